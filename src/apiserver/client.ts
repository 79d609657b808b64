import { RpcCode, RpcError } from "../base/rpc-error.js";
import { EtcdClient, type EtcdClientOptions, EtcdCompactedError, type EtcdPair } from "../rpc/etcd-client.js";
import { type Backend, CompactedError, FutureRevisionError, type RangeQuery, type RangeResult, type Row, type RowBatch, type Swap, type SwapResult, type WatchRowsOptions } from "./storage/backend.js";

/** A pair as a row. Its text is made when it is asked for: what this server wrote itself it knows by the revision. */
class EtcdRow implements Row {
  readonly #pair: EtcdPair;

  constructor(pair: EtcdPair) {
    this.#pair = pair;
  }

  get key(): string {
    return this.#pair.key;
  }

  get value(): string {
    return this.#pair.value.toString("utf8");
  }

  get createRevision(): number {
    return this.#pair.createRevision;
  }

  get modRevision(): number {
    return this.#pair.modRevision;
  }
}

/** etcd's refusals that mean something to a list or watch. */
function translate(error: unknown): unknown {
  if (error instanceof EtcdCompactedError) return new CompactedError(error.compactRevision);
  if (!RpcError.is(error, RpcCode.OUT_OF_RANGE)) return error;
  if (error.message.includes("compacted")) return new CompactedError(0);
  return error.message.includes("future revision") ? new FutureRevisionError() : error;
}

/** The store over the etcd v3 API: ours, or any etcd from 3.4 on. */
export class EtcdBackend implements Backend {
  readonly #client: EtcdClient;

  constructor(options: EtcdClientOptions) {
    this.#client = new EtcdClient(options);
  }

  close(): void {
    this.#client.close();
  }

  async range(query: RangeQuery): Promise<RangeResult> {
    try {
      const { revision, pairs, more, count } = await this.#client.range(query);
      return { revision, rows: pairs.map((pair) => new EtcdRow(pair)), more, count };
    } catch (error) {
      throw translate(error);
    }
  }

  async swap({ key, expectedRevision, value, leaseId, along = [] }: Swap): Promise<SwapResult> {
    const { succeeded, revision, gets } = await this.#client.txn({
      compare: [{ key, modRevision: expectedRevision }, ...along.map((each) => ({ key: each.key, modRevision: each.expectedRevision }))],
      success: [
        value === undefined ? { delete: { key } } : { put: key, value, ...(leaseId === undefined ? {} : { lease: leaseId }) },
        ...along.map((each) => ({ put: each.key, value: each.value })),
      ],
      failure: [{ get: { key } }, ...along.map((each) => ({ get: { key: each.key } }))],
    });
    if (succeeded) return { succeeded, revision };
    const [current, ...others] = gets.map((got) => (got?.pairs[0] === undefined ? undefined : new EtcdRow(got.pairs[0])));
    return { succeeded, revision, ...(current ? { current } : {}), ...(along.length > 0 ? { currentAlong: others } : {}) };
  }

  async *watch(prefix: string, startRevision: number, signal: AbortSignal, { previous = false }: WatchRowsOptions = {}): AsyncIterable<RowBatch> {
    try {
      for await (const { revision, events } of this.#client.watch({ prefix, fromRevision: startRevision, previous, progress: true, signal })) {
        yield {
          revision,
          events: events.map(({ type, key, revision: changed, pair, previous: before }) => ({
            type,
            key,
            revision: changed,
            ...(pair ? { row: new EtcdRow(pair) } : {}),
            ...(before ? { previous: new EtcdRow(before) } : {}),
          })),
        };
      }
    } catch (error) {
      throw translate(error);
    }
  }

  async grantLease(ttlSeconds: number): Promise<bigint> {
    return (await this.#client.grantLease(ttlSeconds)).id;
  }
}
