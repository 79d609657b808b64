import { encodeRevision } from "./revision.js";

/**
 * Every key this room ever wrote to its table. One byte tells the kind; add new kinds at the end and never use a byte again.
 *
 * | byte | since | key after the byte | value |
 * |---|---|---|---|
 * | `m` | 1 | a name of META | see META |
 * | `r` | 1 | revision key as etcd's bucket `key` | mvccpb.KeyValue |
 * | `l` | 1 | lease id, 8 bytes big-endian | leasepb.Lease |
 * | `a` | 1 | a name of AUTH | as etcd's bucket `auth`, see AUTH |
 * | `u` | 1 | user name | authpb.User, as etcd's bucket `authUsers` |
 * | `o` | 1 | role name | authpb.Role, as etcd's bucket `authRoles` |
 * | `w` | 1 | etcdserverpb.AlarmMember, as etcd's bucket `alarm` | nothing |
 */
const KIND = { meta: "m", log: "r", lease: "l", auth: "a", user: "u", role: "o", alarm: "w" } as const;

/** Single values. */
export const META = {
  /** Text FORMAT: says whose directory this is. */
  format: metaKey("format"),
  /** Cluster id and member id, 8 bytes big-endian each. */
  identity: metaKey("identity"),
  /** Raft term of the last start, 8 bytes big-endian. */
  term: metaKey("term"),
  /** How many durable changes took no revision: leases, users, alarms, compaction points ...; 8 bytes big-endian, absent for none. */
  unnumbered: metaKey("unnumbered"),
  /** Target of a downgrade under way, JSON as in etcd's bucket `cluster`; absent if there never was one. */
  downgrade: metaKey("downgrade"),
  /** Peer URLs of the member, JSON; only told, nothing listens there. */
  peerUrls: metaKey("peerURLs"),
  /** Revision key: history up to here is to be forgotten. */
  scheduledCompactRevision: metaKey("scheduledCompactRev"),
  /** Revision key: history up to here is forgotten. */
  finishedCompactRevision: metaKey("finishedCompactRev"),
  /** Revision key: up to here history was imported and may lack revisions; there is none without an import. */
  importedRevision: metaKey("importedRev"),
} as const;

/** Single values of etcd's bucket `auth`. */
export const AUTH = {
  /** One byte: 1 when calls need permission. */
  enabled: Buffer.from(`${KIND.auth}authEnabled`, "latin1"),
  /** Counter of changes to users and roles, 8 bytes big-endian. */
  revision: Buffer.from(`${KIND.auth}authRevision`, "latin1"),
} as const;

/** What META.format holds. The number grows when older code must not open the directory any more. */
export const FORMAT = "spheresim etcd 1";

const LOG_BYTE = KIND.log.charCodeAt(0);

function metaKey(name: string): Buffer {
  return Buffer.from(`${KIND.meta}${name}`, "latin1");
}

/** Key of a row of the revision log. */
export function logKey(main: number, sub: number, tombstone: boolean): Buffer {
  const key = encodeRevision(main, sub, tombstone, LOG_PREFIX_LENGTH);
  key[0] = LOG_BYTE;
  return key;
}

/** Bytes before the revision in a log key. */
export const LOG_PREFIX_LENGTH = 1;

/** The half-open range of log rows of revisions from `from` to `to` inclusive. */
export function logRange(from: number, to: number): { readonly gte: Buffer; readonly lt: Buffer } {
  return { gte: logKey(Math.max(0, from), 0, false), lt: logKey(to + 1, 0, false) };
}

/** The half-open range of all log rows. */
export function wholeLog(): { readonly gte: Buffer; readonly lt: Buffer } {
  return kindRange(KIND.log);
}

/** Key of a lease. */
export function leaseKey(id: bigint): Buffer {
  const key = Buffer.allocUnsafe(9);
  key[0] = KIND.lease.charCodeAt(0);
  key.writeBigInt64BE(id, 1);
  return key;
}

/** The half-open range of all leases. */
export function allLeases(): { readonly gte: Buffer; readonly lt: Buffer } {
  return kindRange(KIND.lease);
}

/** Key of a user; a user name is text. */
export function userKey(name: string): Buffer {
  return Buffer.from(`${KIND.user}${name}`);
}

/** The half-open range of all users. */
export function allUsers(): { readonly gte: Buffer; readonly lt: Buffer } {
  return kindRange(KIND.user);
}

/** Key of a role; a role name is text. */
export function roleKey(name: string): Buffer {
  return Buffer.from(`${KIND.role}${name}`);
}

/** The half-open range of all roles. */
export function allRoles(): { readonly gte: Buffer; readonly lt: Buffer } {
  return kindRange(KIND.role);
}

/** Key of an alarm. */
export function alarmKey(alarm: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(KIND.alarm, "latin1"), alarm]);
}

/** The half-open range of all alarms. */
export function allAlarms(): { readonly gte: Buffer; readonly lt: Buffer } {
  return kindRange(KIND.alarm);
}

/** The kinds whose rows, without the byte of their kind, are those of a bucket of etcd's own database. */
export const BUCKET_KINDS: Readonly<Record<string, string>> = { key: KIND.log, lease: KIND.lease, alarm: KIND.alarm, auth: KIND.auth, authUsers: KIND.user, authRoles: KIND.role };

/** Bytes that say the kind. */
export const KIND_LENGTH = 1;

/** The half-open range of all rows of a kind. */
export function kindRange(kind: string): { readonly gte: Buffer; readonly lt: Buffer } {
  return { gte: Buffer.from(kind, "latin1"), lt: Buffer.from([kind.charCodeAt(0) + 1]) };
}
