import { RpcCode, RpcError } from "../base/rpc-error.js";

/**
 * Every error this server can answer with, code and text byte for byte as etcd sends them: clients recognise them by the text.
 * Source: etcd api/v3rpc/rpctypes.
 */
const TABLE = {
  emptyKey: [RpcCode.INVALID_ARGUMENT, "key is not provided"],
  keyNotFound: [RpcCode.INVALID_ARGUMENT, "key not found"],
  valueProvided: [RpcCode.INVALID_ARGUMENT, "value is provided"],
  leaseProvided: [RpcCode.INVALID_ARGUMENT, "lease is provided"],
  tooManyOps: [RpcCode.INVALID_ARGUMENT, "too many operations in txn request"],
  duplicateKey: [RpcCode.INVALID_ARGUMENT, "duplicate key given in txn request"],
  invalidSortOption: [RpcCode.INVALID_ARGUMENT, "invalid sort option"],
  requestTooLarge: [RpcCode.INVALID_ARGUMENT, "request is too large"],
  compacted: [RpcCode.OUT_OF_RANGE, "mvcc: required revision has been compacted"],
  futureRevision: [RpcCode.OUT_OF_RANGE, "mvcc: required revision is a future revision"],
  leaseTtlTooLarge: [RpcCode.OUT_OF_RANGE, "too large lease TTL"],
  noSpace: [RpcCode.RESOURCE_EXHAUSTED, "mvcc: database space exceeded"],
  badLeaderTransferee: [RpcCode.FAILED_PRECONDITION, "bad leader transferee"],
  downgradeFormat: [RpcCode.INVALID_ARGUMENT, "wrong downgrade target version format"],
  downgradeTarget: [RpcCode.INVALID_ARGUMENT, "invalid downgrade target version"],
  noDowngrade: [RpcCode.FAILED_PRECONDITION, "no inflight downgrade job"],
  tooManyRequests: [RpcCode.RESOURCE_EXHAUSTED, "too many requests"],
  leaseNotFound: [RpcCode.NOT_FOUND, "requested lease not found"],
  leaseExists: [RpcCode.FAILED_PRECONDITION, "lease already exists"],
  memberNotFound: [RpcCode.NOT_FOUND, "member not found"],
  stopped: [RpcCode.UNAVAILABLE, "server stopped"],
  corrupt: [RpcCode.DATA_LOSS, "corrupt cluster"],
  watchCanceled: [RpcCode.CANCELLED, "watch canceled"],
} as const satisfies Record<string, readonly [RpcCode, string]>;

/** The name of an error in this room. */
export type EtcdErrorName = keyof typeof TABLE;

/** The wire text of an error, such as `etcdserver: key is not provided`. */
export function etcdErrorText(name: EtcdErrorName): string {
  return `etcdserver: ${TABLE[name][1]}`;
}

/** An error ready to be thrown to the wire. */
export function etcdError(name: EtcdErrorName, cause?: unknown): RpcError {
  return new RpcError(TABLE[name][0], etcdErrorText(name), { cause });
}

/** The directory cannot be used; the message is one line for a user. */
export class DataDirectoryError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = "DataDirectoryError";
  }
}
