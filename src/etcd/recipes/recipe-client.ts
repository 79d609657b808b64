import type { DeleteRangeRequest, DeleteRangeResponse, RangeRequest, RangeResponse, TxnRequest, TxnResponse } from "../../gen/etcd/etcdserverpb/rpc.js";

/** What lock and election ask of the store, in the name of the one who called them. Each rejects with etcd's errors. */
export interface RecipeClient {
  range(request: RangeRequest): Promise<RangeResponse>;
  txn(request: TxnRequest): Promise<TxnResponse>;
  deleteRange(request: DeleteRangeRequest): Promise<DeleteRangeResponse>;
  /** Grants a lease and returns its id. */
  grant(ttlSeconds: bigint): Promise<bigint>;
}

/** Time to live of a lease that a call gets because it brought none (etcd's default session). */
const SESSION_TTL_SECONDS = 60n;

/**
 * The lease that a call's key hangs on: its own, or for 0 a new one of 60 s. Like etcd's, it is not kept alive: who waits longer than
 * that finds the place in the queue lost, and who holds a lock for longer has to renew the lease named by the key.
 */
export async function sessionLease(client: RecipeClient, lease: bigint): Promise<bigint> {
  return lease === 0n ? client.grant(SESSION_TTL_SECONDS) : lease;
}
