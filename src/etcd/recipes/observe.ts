import type { ResponseHeader } from "../../gen/etcd/etcdserverpb/rpc.js";
import { Event_EventType, type KeyValue } from "../../gen/etcd/mvccpb/kv.js";
import { type OwnWatchOptions, ownWatch } from "./own-watch.js";
import { prefixOf, Queue } from "./queue.js";
import type { RecipeClient } from "./recipe-client.js";

/** A leader as seen at a revision. */
export interface Sighting {
  readonly header: ResponseHeader | undefined;
  readonly kv: KeyValue;
}

/**
 * The leaders of an election, each with every value it proclaims while it leads; ends when `signal` aborts or, as in etcd, without a
 * word when it can see no more. Source: etcd client/v3/concurrency Election.observe.
 */
export async function* observe(client: RecipeClient, options: OwnWatchOptions, name: Buffer, signal: AbortSignal): AsyncGenerator<Sighting, void> {
  const prefix = prefixOf(name);
  const head = new Queue(client, options.hub, prefix).head();
  while (!signal.aborted) {
    const { header, kvs } = await client.range(head);
    const revision = header?.revision ?? 0n;
    const seen = kvs[0] === undefined ? await firstPut(options, { key: prefix, rangeEnd: head.rangeEnd, startRevision: revision }, signal) : { header, kv: kvs[0] };
    if (seen === undefined) return;
    yield seen;
    if (!(yield* valuesOf(options, seen, signal))) return;
  }
}

/** The values of one leader from now on; true once its key is deleted. */
async function* valuesOf(options: OwnWatchOptions, { header, kv }: Sighting, signal: AbortSignal): AsyncGenerator<Sighting, boolean> {
  for await (const response of ownWatch(options, { key: kv.key, startRevision: (header?.revision ?? 0n) + 1n }, signal)) {
    for (const event of response.events) {
      if (event.type === Event_EventType.DELETE) return true;
      if (event.kv !== undefined) yield { header: response.header, kv: event.kv };
    }
    if (response.canceled) return false;
  }
  return false;
}

/** The first candidate to come; undefined if it cannot be waited for any longer. */
async function firstPut(options: OwnWatchOptions, range: { key: Buffer; rangeEnd: Buffer; startRevision: bigint }, signal: AbortSignal): Promise<Sighting | undefined> {
  for await (const { events, header, canceled } of ownWatch(options, range, signal)) {
    const put = events.find(({ type }) => type === Event_EventType.PUT)?.kv;
    // One answer may span revisions; what comes after this put must still be looked at.
    if (put !== undefined && header !== undefined) return { header: { ...header, revision: put.modRevision }, kv: put };
    if (canceled) return undefined;
  }
  return undefined;
}
