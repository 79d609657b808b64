import { RpcCode, RpcError } from "../base/rpc-error.js";
import { Event_EventType, type KeyValue } from "../gen/etcd/mvccpb/kv.js";
import { Compare, Compare_CompareResult, Compare_CompareTarget, LeaseGrantRequest, PutRequest, RangeRequest, RequestOp, TxnRequest, WatchCreateRequest, WatchRequest, type WatchResponse } from "../gen/etcd/etcdserverpb/rpc.js";
import { KVClient, LeaseClient, WatchClient } from "../gen/etcd/etcdserverpb/rpc_service.js";
import { type Channel, openChannel } from "../rpc/channel.js";
import type { TlsMaterial } from "../rpc/tls.js";
import { type Backend, CompactedError, FutureRevisionError, prefixEnd, type RangeQuery, type RangeResult, type Row, type RowEvent, type Swap, type SwapResult } from "./storage/backend.js";

/** How long one call to the store may take before the request that needs it fails. */
const CALL_DEADLINE_MS = 10_000;
const MAX_RECEIVE_BYTES = 256 * 1024 * 1024;

function rowOf(kv: KeyValue): Row {
  return { key: kv.key.toString("utf8"), value: kv.value.toString("utf8"), createRevision: Number(kv.createRevision), modRevision: Number(kv.modRevision) };
}

/** etcd's refusals that mean something to a list or watch. */
function translate(error: unknown): unknown {
  if (!RpcError.is(error, RpcCode.OUT_OF_RANGE)) return error;
  if (error.message.includes("compacted")) return new CompactedError(0);
  if (error.message.includes("future revision")) return new FutureRevisionError();
  return error;
}

/** The store over the etcd v3 API: ours, or any etcd from 3.4 on. */
export class EtcdBackend implements Backend {
  readonly #channel: Channel;
  readonly #kv;
  readonly #watch;
  readonly #lease;

  constructor(options: { readonly address: string; readonly tls?: TlsMaterial | undefined }) {
    this.#channel = openChannel({ address: options.address, tls: options.tls, defaultDeadlineMs: CALL_DEADLINE_MS, maxReceiveBytes: MAX_RECEIVE_BYTES });
    this.#kv = this.#channel.client(KVClient);
    this.#watch = this.#channel.client(WatchClient);
    this.#lease = this.#channel.client(LeaseClient);
  }

  close(): void {
    this.#channel.close();
  }

  async range(query: RangeQuery): Promise<RangeResult> {
    const request = RangeRequest.fromPartial({
      key: Buffer.from(query.key),
      rangeEnd: Buffer.from(query.rangeEnd ?? ""),
      revision: BigInt(query.revision ?? 0),
      limit: BigInt(query.limit ?? 0),
      countOnly: query.countOnly ?? false,
    });
    try {
      const response = await this.#kv.range(request);
      return { revision: Number(response.header?.revision ?? 0n), rows: response.kvs.map(rowOf), more: response.more, count: Number(response.count) };
    } catch (error) {
      throw translate(error);
    }
  }

  async swap({ key, expectedRevision, value, leaseId }: Swap): Promise<SwapResult> {
    const name = Buffer.from(key);
    const write =
      value === undefined
        ? RequestOp.fromPartial({ request: { $case: "requestDeleteRange", value: { key: name } } })
        : RequestOp.fromPartial({ request: { $case: "requestPut", value: PutRequest.fromPartial({ key: name, value: Buffer.from(value), lease: leaseId ?? 0n }) } });
    const request = TxnRequest.fromPartial({
      compare: [
        Compare.fromPartial({ key: name, target: Compare_CompareTarget.MOD, result: Compare_CompareResult.EQUAL, targetUnion: { $case: "modRevision", value: BigInt(expectedRevision) } }),
      ],
      success: [write],
      failure: [{ request: { $case: "requestRange", value: RangeRequest.fromPartial({ key: name }) } }],
    });
    const response = await this.#kv.txn(request);
    const revision = Number(response.header?.revision ?? 0n);
    const first = response.responses[0]?.response;
    const current = first?.$case === "responseRange" ? first.value.kvs[0] : undefined;
    return { succeeded: response.succeeded, revision, ...(current && !response.succeeded ? { current: rowOf(current) } : {}) };
  }

  async *watch(prefix: string, startRevision: number, signal: AbortSignal): AsyncIterable<readonly RowEvent[]> {
    const stream = this.#watch.watch({ signal });
    try {
      await stream.write(
        WatchRequest.fromPartial({
          requestUnion: {
            $case: "createRequest",
            value: WatchCreateRequest.fromPartial({ key: Buffer.from(prefix), rangeEnd: Buffer.from(prefixEnd(prefix)), startRevision: BigInt(startRevision), prevKv: true, progressNotify: true }),
          },
        }),
      );
      for await (const response of stream) {
        if (response.canceled) throw response.compactRevision > 0n ? new CompactedError(Number(response.compactRevision)) : RpcError.unavailable(response.cancelReason || "the store cancelled the watch");
        if (response.events.length > 0) yield eventsOf(response);
      }
    } catch (error) {
      if (signal.aborted) return;
      throw translate(error);
    } finally {
      stream.cancel();
    }
  }

  async grantLease(ttlSeconds: number): Promise<bigint> {
    const response = await this.#lease.leaseGrant(LeaseGrantRequest.fromPartial({ TTL: BigInt(ttlSeconds) }));
    return response.ID;
  }
}

function eventsOf(response: WatchResponse): readonly RowEvent[] {
  return response.events.flatMap((event): RowEvent[] => {
    if (!event.kv) return [];
    const base = { key: event.kv.key.toString("utf8"), revision: Number(event.kv.modRevision), ...(event.prevKv ? { previous: rowOf(event.prevKv) } : {}) };
    return [event.type === Event_EventType.DELETE ? { ...base, type: "delete" } : { ...base, type: "put", row: rowOf(event.kv) }];
  });
}
