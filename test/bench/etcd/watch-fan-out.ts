import { create, connect, put } from "../../etcd/wire.js";

/** What became of events on their way to many watchers. */
export interface FanOut {
  readonly sent: number;
  readonly delivered: number;
  /** From before the put is sent until the event is there, in ms. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Puts a second that were really made. */
  readonly putsPerSecond: number;
}

const STREAMS = 10;
const LIMIT_MS = 30_000;

/**
 * `watchers` watches on ten streams, each of a key of its own; `perSecond` puts a second, each of one watcher's key, for `seconds`. Values
 * hold the time of sending. The client is one Node process: its own work is in the figures of both servers alike.
 */
export async function watchFanOut(address: string, watchers: number, perSecond: number, seconds: number): Promise<FanOut> {
  const connections = Array.from({ length: STREAMS + 1 }, () => connect(address));
  const lags: number[] = [];
  let open = 0;
  let told: () => void = () => undefined;
  const streams = connections.slice(1).map((etcd) => etcd.watch.watch());
  const readers = streams.map(async (stream) => {
    try {
      for await (const { created, events } of stream) {
        if (created) open += 1;
        const now = performance.now();
        for (const { kv } of events) lags.push(now - Number(kv?.value.toString()));
        told();
      }
    } catch {
      // Cancelled at the end.
    }
  });
  const until = async (done: () => boolean): Promise<void> => {
    const limit = performance.now() + LIMIT_MS;
    while (!done() && performance.now() < limit) await new Promise<void>((resolve) => {
      const late = setTimeout(resolve, 100);
      told = () => {
        clearTimeout(late);
        resolve();
      };
    });
  };
  for (let index = 0; index < watchers; index += 1) await streams[index % STREAMS]?.write(create({ key: `watched/${index}` }));
  await until(() => open === watchers);
  const writer = connections[0] as (typeof connections)[number];
  const begin = performance.now();
  const puts: Promise<unknown>[] = [];
  const total = perSecond * seconds;
  while (puts.length < total) {
    const due = Math.min(total, Math.floor(((performance.now() - begin) / 1000) * perSecond));
    while (puts.length < due) puts.push(writer.kv.put(put({ key: `watched/${puts.length % watchers}`, value: String(performance.now()) })));
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await Promise.all(puts);
  const putsPerSecond = total / ((performance.now() - begin) / 1000);
  await until(() => lags.length >= total);
  for (const stream of streams) stream.cancel();
  await Promise.all(readers);
  for (const connection of connections) connection.close();
  lags.sort((a, b) => a - b);
  return { sent: total, delivered: lags.length, p50Ms: lags[Math.floor(lags.length * 0.5)] ?? 0, p99Ms: lags[Math.floor(lags.length * 0.99)] ?? 0, putsPerSecond };
}
