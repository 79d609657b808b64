import type { DeleteRangeRequest, PutRequest, RequestOp, TxnRequest } from "../../gen/etcd/etcdserverpb/rpc.js";
import { type Key, rangeOf } from "../key-index/key-range.js";
import type { Access } from "./rights.js";
import type { AuthState, Identity } from "./auth-state.js";

/** The keys that hang on a lease. */
export type KeysOfLease = (lease: bigint) => Iterable<Key>;

/** A key or range of a request. */
interface Keys {
  readonly key: Buffer;
  readonly rangeEnd: Buffer;
}

const NO_END = Buffer.alloc(0);

/** Throws unless the caller may read a range. */
export function permitRange(state: AuthState, who: Identity | undefined, { key, rangeEnd }: Keys): void {
  state.permit(who, rangeOf(key, rangeEnd), "read");
}

/** Throws unless the caller may make this Put: write the key, be able to end the lease it asks for, and read what it wants back. */
export function permitPut(state: AuthState, who: Identity | undefined, request: PutRequest, keysOf: KeysOfLease): void {
  if (!state.enabled) return;
  const range = rangeOf(request.key, NO_END);
  state.permit(who, range, "write");
  permitKeys(state, who, keysOf(request.lease), "write");
  if (request.prevKv) state.permit(who, range, "read");
}

/** Throws unless the caller may make this DeleteRange. */
export function permitDelete(state: AuthState, who: Identity | undefined, request: DeleteRangeRequest): void {
  const range = rangeOf(request.key, request.rangeEnd);
  state.permit(who, range, "write");
  if (request.prevKv) state.permit(who, range, "read");
}

/** Throws unless the caller may make everything in a Txn, on both paths and at every depth, whichever will be taken. */
export function permitTxn(state: AuthState, who: Identity | undefined, request: TxnRequest, keysOf: KeysOfLease): void {
  if (!state.enabled) return;
  for (const compare of request.compare) permitRange(state, who, compare);
  for (const op of request.success) permitOp(state, who, op, keysOf);
  for (const op of request.failure) permitOp(state, who, op, keysOf);
}

/** Throws unless the caller may do this to each of some keys; root may, whatever has changed meanwhile. */
export function permitKeys(state: AuthState, who: Identity | undefined, keys: Iterable<Key>, access: Access): void {
  if (state.isAdmin(who)) return;
  for (const key of keys) state.permit(who, { start: key, end: `${key}\0`, single: true }, access);
}

function permitOp(state: AuthState, who: Identity | undefined, { request: op }: RequestOp, keysOf: KeysOfLease): void {
  switch (op?.$case) {
    case "requestRange":
      return permitRange(state, who, op.value);
    case "requestPut":
      return permitPut(state, who, op.value, keysOf);
    case "requestDeleteRange":
      return permitDelete(state, who, op.value);
    case "requestTxn":
      return permitTxn(state, who, op.value, keysOf);
    case undefined:
      return undefined;
  }
}
