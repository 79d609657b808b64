import { type Permission, Permission_Type } from "../../gen/etcd/authpb/auth.js";
import { type Key, type KeyRange, rangeOf } from "../key-index/key-range.js";

/** What a call wants to do with keys. */
export type Access = "read" | "write";

/** A half-open interval of keys that was granted. */
interface Interval {
  readonly start: Key;
  /** Absent: no upper bound. */
  readonly end: Key | undefined;
}

/**
 * What the roles of one user allow, as few intervals as possible, so that a range that spans several permissions is found in one.
 *
 * Example: read a; read [b, d); read [d, f); readwrite [e, g) and write [x, no end) become read {[a, a\0), [b, g)} and
 * write {[e, g), [x, no end)}. A range [c, g) may be read, [a, c) may not: the keys between a and b were granted by nobody.
 */
export class Rights {
  readonly #read: readonly Interval[];
  readonly #write: readonly Interval[];

  constructor(permissions: readonly Permission[]) {
    this.#read = merge(permissions.filter(({ permType }) => permType === Permission_Type.READ || permType === Permission_Type.READWRITE));
    this.#write = merge(permissions.filter(({ permType }) => permType === Permission_Type.WRITE || permType === Permission_Type.READWRITE));
  }

  /** Whether every key of a range is granted. A range that is empty is, where it lies inside one granted interval. */
  cover(range: KeyRange, access: Access): boolean {
    const interval = lastFrom(access === "read" ? this.#read : this.#write, range.start);
    if (interval === undefined) return false;
    if (interval.end === undefined) return range.end === undefined || range.end > interval.start;
    return range.start < interval.end && range.end !== undefined && range.end > interval.start && range.end <= interval.end;
  }
}

/** Sorts intervals and joins those that overlap or touch. */
function merge(permissions: readonly Permission[]): Interval[] {
  const sorted = permissions
    .map(({ key, rangeEnd }): Interval => rangeOf(key, rangeEnd))
    // Etcd before 3.5 let empty ranges in, and they may be in a database that is taken over.
    .filter(({ start, end }) => end === undefined || start < end)
    .sort((a, b) => (a.start < b.start ? -1 : 1));
  const merged: Interval[] = [];
  for (const { start, end } of sorted) {
    const last = merged[merged.length - 1];
    if (last === undefined || (last.end !== undefined && last.end < start)) merged.push({ start, end });
    else if (last.end !== undefined && (end === undefined || last.end < end)) merged[merged.length - 1] = { start: last.start, end };
  }
  return merged;
}

/** The last interval that begins at or before a key, by bisection. */
function lastFrom(intervals: readonly Interval[], key: Key): Interval | undefined {
  let [low, high] = [0, intervals.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((intervals[middle] as Interval).start <= key) low = middle + 1;
    else high = middle;
  }
  return intervals[low - 1];
}
