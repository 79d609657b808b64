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
  downgradeUnderWay: [RpcCode.FAILED_PRECONDITION, "cluster has a downgrade job in progress"],
  noDowngrade: [RpcCode.FAILED_PRECONDITION, "no inflight downgrade job"],
  // etcd hands this one out without a code.
  unknownMethod: [RpcCode.UNKNOWN, "unknown method"],
  tooManyRequests: [RpcCode.RESOURCE_EXHAUSTED, "too many requests"],
  leaseNotFound: [RpcCode.NOT_FOUND, "requested lease not found"],
  leaseExists: [RpcCode.FAILED_PRECONDITION, "lease already exists"],
  memberNotFound: [RpcCode.NOT_FOUND, "member not found"],
  memberBadUrls: [RpcCode.INVALID_ARGUMENT, "given member URLs are invalid"],
  memberNotLearner: [RpcCode.FAILED_PRECONDITION, "can only promote a learner member"],
  // etcd hands this one out without a code.
  memberNotEnoughStarted: [RpcCode.UNKNOWN, "re-configuration failed due to not enough started members"],
  peerUrlExists: [RpcCode.FAILED_PRECONDITION, "Peer URLs already exists"],
  stopped: [RpcCode.UNAVAILABLE, "server stopped"],
  corrupt: [RpcCode.DATA_LOSS, "corrupt cluster"],
  watchCanceled: [RpcCode.CANCELLED, "watch canceled"],
  userEmpty: [RpcCode.INVALID_ARGUMENT, "user name is empty"],
  roleEmpty: [RpcCode.INVALID_ARGUMENT, "role name is empty"],
  authFailed: [RpcCode.INVALID_ARGUMENT, "authentication failed, invalid user ID or password"],
  permissionNotGiven: [RpcCode.INVALID_ARGUMENT, "permission not given"],
  invalidAuthManagement: [RpcCode.INVALID_ARGUMENT, "invalid auth management"],
  authOldRevision: [RpcCode.INVALID_ARGUMENT, "revision of auth store is old"],
  rootUserMissing: [RpcCode.FAILED_PRECONDITION, "root user does not exist"],
  rootRoleMissing: [RpcCode.FAILED_PRECONDITION, "root user does not have root role"],
  userExists: [RpcCode.FAILED_PRECONDITION, "user name already exists"],
  userNotFound: [RpcCode.FAILED_PRECONDITION, "user name not found"],
  roleExists: [RpcCode.FAILED_PRECONDITION, "role name already exists"],
  roleNotFound: [RpcCode.FAILED_PRECONDITION, "role name not found"],
  roleNotGranted: [RpcCode.FAILED_PRECONDITION, "role is not granted to the user"],
  permissionNotGranted: [RpcCode.FAILED_PRECONDITION, "permission is not granted to the role"],
  authNotEnabled: [RpcCode.FAILED_PRECONDITION, "authentication is not enabled"],
  permissionDenied: [RpcCode.PERMISSION_DENIED, "permission denied"],
  invalidAuthToken: [RpcCode.UNAUTHENTICATED, "invalid auth token"],
  timeout: [RpcCode.UNAVAILABLE, "request timed out"],
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

/**
 * Errors that etcd never gave a code: they reach clients as UNKNOWN with the text of the package they arose in, without `etcdserver: `.
 * Source: etcd server/auth, client/v3/concurrency, server/etcdserver/api/v3election; golang.org/x/crypto/bcrypt.
 */
const UNCLASSIFIED = {
  noPasswordUser: "auth: authentication failed, password was given for no password user",
  verifyOnly: "auth: token signing attempted with verify-only key",
  passwordTooLong: "bcrypt: password length exceeds 72 bytes",
  sessionExpired: "mutex: session is expired",
  notLeader: "election: not leader",
  noLeader: "election: no leader",
  leaderMissing: '"leader" field must be provided',
} as const;

/** An error that etcd answers without a code of its own. */
export function unclassifiedError(name: keyof typeof UNCLASSIFIED): RpcError {
  return new RpcError(RpcCode.UNKNOWN, UNCLASSIFIED[name]);
}

/** The directory cannot be used; the message is one line for a user. */
export class DataDirectoryError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = "DataDirectoryError";
  }
}
