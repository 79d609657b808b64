/**
 * Keys inside the store are "binary strings": one UTF-16 unit per byte. They compare in byte order, work as Map keys, and V8
 * keeps them at one byte per character.
 */
export type Key = string;

/** A half-open range of keys; without `end` it has no upper bound. */
export interface KeyRange {
  readonly start: Key;
  readonly end: Key | undefined;
  /** The range is exactly the key `start`. */
  readonly single: boolean;
}

const ZERO = "\0";

/** The binary string of a key's bytes. */
export function keyOf(bytes: Buffer): Key {
  return bytes.toString("latin1");
}

/** The bytes of a binary string. */
export function keyBytes(key: Key): Buffer {
  return Buffer.from(key, "latin1");
}

/**
 * The range that a request's `key` and `range_end` mean (etcd RangeRequest).
 *
 * Examples: ("a", "") is the key a; ("a", "c") is a, aa, b ...; ("a", "\0") is everything from a on; ("b", "a") is empty.
 */
export function rangeOf(key: Buffer, rangeEnd: Buffer): KeyRange {
  const start = keyOf(key);
  if (rangeEnd.length === 0) return { start, end: start + ZERO, single: true };
  if (rangeEnd.length === 1 && rangeEnd[0] === 0) return { start, end: undefined, single: false };
  return { start, end: keyOf(rangeEnd), single: false };
}

/** Whether a key lies in a range. */
export function inRange(range: KeyRange, key: Key): boolean {
  return range.single ? key === range.start : key >= range.start && (range.end === undefined || key < range.end);
}
