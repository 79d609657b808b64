/** Where everything this vCenter keeps lies in etcd. */
export const ROOT = "/spheresim/vcenter/";

/** The epoch of the vCenter that writes, a decimal number; every Txn compares it. */
export const EPOCH_KEY = `${ROOT}epoch`;
/** Identity: JSON `{"instanceUuid": ...}`. */
export const ABOUT_KEY = `${ROOT}about`;
/** The next number of each kind of moid: JSON `{"host": 25, ...}`. */
export const COUNTERS_KEY = `${ROOT}counters`;

/** Events and ended tasks, many to a record: store/page-ring.ts. */
export const HISTORY = `${ROOT}history/`;

/** The kinds of records, each below its own prefix, by moid (owners: by UID; creations: by request id, percent-encoded; rules
 * and groups: below their cluster, by key and by name). */
export const PREFIXES = {
  datacenters: `${ROOT}datacenters/`,
  clusters: `${ROOT}clusters/`,
  pools: `${ROOT}pools/`,
  hosts: `${ROOT}hosts/`,
  vms: `${ROOT}vms/`,
  owners: `${ROOT}owners/`,
  tasks: `${ROOT}tasks/`,
  creations: `${ROOT}creations/`,
  rules: `${ROOT}rules/`,
  groups: `${ROOT}groups/`,
} as const;

/** A kind of record. */
export type RecordKind = keyof typeof PREFIXES;

/** Key of one record. Example: `("owners", "6f1c...")` is `/spheresim/vcenter/owners/6f1c...`. */
export function recordKey(kind: RecordKind, id: string): string {
  return PREFIXES[kind] + id;
}

/** The kind and id of a key; undefined for keys that are no records. */
export function readRecordKey(key: string): { readonly kind: RecordKind; readonly id: string } | undefined {
  for (const [kind, prefix] of Object.entries(PREFIXES)) if (key.startsWith(prefix)) return { kind: kind as RecordKind, id: key.slice(prefix.length) };
  return undefined;
}
