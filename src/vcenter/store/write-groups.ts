import type { KeyValueEntry } from "./key-value.js";

/** What a commit writes. */
export interface Write {
  readonly puts?: readonly KeyValueEntry[];
  readonly deletes?: readonly string[];
  /** Keys of `puts` that must not exist yet. */
  readonly absent?: readonly string[];
}

/** etcd's own limit (`--max-txn-ops`); writes are counted against it with their conditions, which have the same limit, and the epoch's. */
const MAX_OPS = 128 - 1;
/** etcd takes requests of 1.5 MiB. */
const MAX_BYTES = 500_000;

/**
 * Writes, in their order, as Txns take them: as many to a group as one Txn may hold, and none that touches a key which another of its group touches,
 * for etcd refuses a Txn that writes a key twice. A write too large to share is a group of its own.
 *
 * Example: puts of a, b, a, c make the groups (a, b) and (a, c).
 */
export function inGroups<T>(items: readonly T[], writeOf: (item: T) => Write): readonly (readonly T[])[] {
  const groups: T[][] = [];
  let keys = new Set<string>();
  let ops = 0;
  let bytes = 0;
  for (const item of items) {
    const { puts = [], deletes = [], absent = [] } = writeOf(item);
    const own = [...puts.map(({ key }) => key), ...deletes];
    const ownOps = Math.max(own.length, absent.length);
    // Of text that is mostly ASCII; what etcd takes is three times as much.
    const ownBytes = puts.reduce((sum, { key, value }) => sum + key.length + value.length, 0);
    if (groups.length === 0 || ops + ownOps > MAX_OPS || bytes + ownBytes > MAX_BYTES || own.some((key) => keys.has(key))) {
      groups.push([]);
      keys = new Set();
      ops = 0;
      bytes = 0;
    }
    groups.at(-1)?.push(item);
    for (const key of own) keys.add(key);
    ops += ownOps;
    bytes += ownBytes;
  }
  return groups;
}
