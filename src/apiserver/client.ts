import { RpcCode, RpcError } from "../base/rpc-error.js";
import { EtcdClient, type EtcdClientOptions, EtcdCompactedError, type EtcdPair } from "../rpc/etcd-client.js";
import { type Backend, CompactedError, FutureRevisionError, type RangeQuery, type RangeResult, type Row, type RowBatch, type Swap, type SwapResult, type WatchRowsOptions } from "./storage/backend.js";

function rowOf(pair: EtcdPair): Row {
  return { key: pair.key, value: Buffer.from(pair.value).toString("utf8"), createRevision: pair.createRevision, modRevision: pair.modRevision };
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
      return { revision, rows: pairs.map(rowOf), more, count };
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
    const [current, ...others] = gets.map((got) => (got?.pairs[0] === undefined ? undefined : rowOf(got.pairs[0])));
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
            ...(pair ? { row: rowOf(pair) } : {}),
            ...(before ? { previous: rowOf(before) } : {}),
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
