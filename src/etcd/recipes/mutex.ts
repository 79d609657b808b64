import { DeleteRangeRequest, PutRequest, RangeRequest, type RangeResponse, type RequestOp, type ResponseHeader, type TxnResponse } from "../../gen/etcd/etcdserverpb/rpc.js";
import type { KeyValue } from "../../gen/etcd/mvccpb/kv.js";
import { unclassifiedError } from "../errors.js";
import type { WatchHub } from "../watch/watch-hub.js";
import { createdAt, prefixOf, Queue } from "./queue.js";
import { type RecipeClient, sessionLease } from "./recipe-client.js";

/** A lock that is held. */
export interface HeldLock {
  readonly header: ResponseHeader | undefined;
  /** The lock is held as long as this key exists. */
  readonly key: Buffer;
}

/**
 * Waits for a lock. The same lease again gets the same key. If the wait is cut short, by `signal` or an error, the key is removed.
 * Source: etcd client/v3/concurrency Mutex.Lock.
 */
export async function lock(client: RecipeClient, hub: WatchHub, request: { readonly name: Buffer; readonly lease: bigint }, signal: AbortSignal): Promise<HeldLock> {
  const lease = await sessionLease(client, request.lease);
  const queue = new Queue(client, hub, prefixOf(request.name));
  const key = queue.place(lease);
  const readKey = RangeRequest.create({ key });
  const readHead = range(queue.head());
  const enter = await client.txn({
    compare: [createdAt(key, 0n)],
    success: [{ request: { $case: "requestPut", value: PutRequest.create({ key, lease }) } }, readHead],
    failure: [range(readKey), readHead],
  });
  const own = enter.succeeded ? (enter.header?.revision ?? 0n) : (pairs(enter, 0)[0]?.createRevision ?? 0n);
  const head = pairs(enter, 1)[0];
  if (head === undefined || head.createRevision === own) return { header: enter.header, key };
  const { header, kvs } = await waitFor(own);
  // The lease may have ended during the wait: then the place was lost, and somebody else may hold the lock (found by Jepsen, etcd issue 11456).
  if (kvs.length === 0) throw unclassifiedError("sessionExpired");
  return { header, key };

  async function waitFor(createRevision: bigint): Promise<RangeResponse> {
    try {
      await queue.turn(createRevision, signal);
      return await client.range(readKey);
    } catch (error) {
      await client.deleteRange(DeleteRangeRequest.create({ key })).catch(() => undefined);
      throw error;
    }
  }
}

function range(value: RangeRequest): RequestOp {
  return { request: { $case: "requestRange", value } };
}

function pairs(response: TxnResponse, index: number): readonly KeyValue[] {
  const op = response.responses[index]?.response;
  return op?.$case === "responseRange" ? op.value.kvs : [];
}
