import { KeyValue } from "../../gen/etcd/mvccpb/kv.js";

/** Tags of mvccpb.KeyValue: key = 1, create_revision = 2, mod_revision = 3, version = 4, value = 5, lease = 6. */
const KEY_TAG = (1 << 3) | 2;
const CREATE_REVISION_TAG = 2 << 3;
const MOD_REVISION_TAG = 3 << 3;
const VERSION_TAG = 4 << 3;
const VALUE_TAG = (5 << 3) | 2;
const LEASE_TAG = 6 << 3;

/** Wire type of a field with a length. */
const BYTES = 2;

/** Tags of the numbers that a Range sorts and filters by. */
const NUMBER_TAGS = { createRevision: CREATE_REVISION_TAG, modRevision: MOD_REVISION_TAG, version: VERSION_TAG } as const;

/** A pair about to be stored. Numbers where they fit: every put passes here. */
export interface NewPair {
  readonly key: Buffer;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly version: number;
  readonly value: Buffer;
  /** 0 for none. */
  readonly lease: bigint;
}

/**
 * The bytes of a row of the revision log: etcd's own, because HashKV hashes them. Fields that are 0 or empty are left out.
 *
 * Example: a = "1" put at revision 2: `0a 01 61` key, `10 02` created, `18 02` modified, `20 01` version, `2a 01 31` value.
 */
export function encodeRow({ key, createRevision, modRevision, version, value, lease }: NewPair): Buffer {
  const leaseBytes = BigInt.asUintN(64, lease);
  const length = bytesLength(key) + numberLength(createRevision) + numberLength(modRevision) + numberLength(version) + bytesLength(value) + (lease === 0n ? 0 : 1 + bigVarintLength(leaseBytes));
  const row = Buffer.allocUnsafe(length);
  let at = writeBytes(row, KEY_TAG, key, 0);
  at = writeNumber(row, CREATE_REVISION_TAG, createRevision, at);
  at = writeNumber(row, MOD_REVISION_TAG, modRevision, at);
  at = writeNumber(row, VERSION_TAG, version, at);
  at = writeBytes(row, VALUE_TAG, value, at);
  if (lease !== 0n) {
    row[at] = LEASE_TAG;
    writeBigVarint(row, leaseBytes, at + 1);
  }
  return row;
}

/** The pair a row holds. */
export function decodeRow(row: Buffer): KeyValue {
  return KeyValue.decode(row);
}

/** A number of a row; 0 where the row leaves it out. */
export function numberIn(row: Buffer, name: "createRevision" | "modRevision" | "version"): number {
  return fieldOf(row, NUMBER_TAGS[name])?.number ?? 0;
}

/** Below, at or above 0 as the value of one row is less than, equal to or greater than that of another, byte by byte. */
export function compareValues(a: Buffer, b: Buffer): number {
  const [left, right] = [fieldOf(a, VALUE_TAG) ?? NO_FIELD, fieldOf(b, VALUE_TAG) ?? NO_FIELD];
  // Views of the bytes, or copies of them, would be most of the work.
  return a.compare(b, right.end - right.number, right.end, left.end - left.number, left.end);
}

/** The same row with an empty value: what comes before and after the value. */
export function withoutValue(row: Buffer): Buffer {
  const field = fieldOf(row, VALUE_TAG);
  return field === undefined ? row : Buffer.concat([row.subarray(0, field.at), row.subarray(field.end)]);
}

/** Where a field begins and ends, and its number, which is the length of the bytes before its end where it has bytes. */
interface Field {
  readonly at: number;
  readonly number: number;
  readonly end: number;
}

const NO_FIELD: Field = { at: 0, number: 0, end: 0 };

/** Finds a field by a walk over those before it. */
function fieldOf(row: Buffer, wanted: number): Field | undefined {
  for (let at = 0; at < row.length; ) {
    const tag = row[at] as number;
    let [number, end] = [0, at + 1];
    for (let factor = 1; ; factor *= 0x80) {
      const byte = row[end++] as number;
      number += (byte & 0x7f) * factor;
      if (byte < 0x80) break;
    }
    // A number ends with its varint; bytes follow their length.
    if ((tag & 7) === BYTES) end += number;
    if (tag === wanted) return { at, number, end };
    at = end;
  }
  return undefined;
}

/** The bytes of a deletion: only the key, as etcd stores it. */
export function encodeTombstone(key: Buffer): Buffer {
  const row = Buffer.allocUnsafe(bytesLength(key));
  writeBytes(row, KEY_TAG, key, 0);
  return row;
}

/** Bytes of a length-delimited field with a tag of one byte, none where it is empty. */
export function bytesLength({ length }: Buffer): number {
  return length === 0 ? 0 : 1 + varintLength(length) + length;
}

/** Bytes of a number with a tag of one byte, none where it is 0. */
export function numberLength(value: number): number {
  return value === 0 ? 0 : 1 + varintLength(value);
}

/** Bytes of a number as a varint, seven bits each. */
export function varintLength(value: number): number {
  let length = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) length += 1;
  return length;
}

/** Writes a varint; returns where it ends. */
export function writeVarint(bytes: Buffer, value: number, from: number): number {
  let at = from;
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes[at++] = (rest % 0x80) | 0x80;
  bytes[at++] = rest;
  return at;
}

/** Writes a field with a number, none where it is 0; returns where it ends. */
export function writeNumber(row: Buffer, tag: number, value: number, at: number): number {
  if (value === 0) return at;
  row[at] = tag;
  return writeVarint(row, value, at + 1);
}

/** Writes a length-delimited field, none where it is empty; returns where it ends. */
export function writeBytes(row: Buffer, tag: number, bytes: Buffer, at: number): number {
  if (bytes.length === 0) return at;
  row[at] = tag;
  const start = writeVarint(row, bytes.length, at + 1);
  bytes.copy(row, start);
  return start + bytes.length;
}

function bigVarintLength(value: bigint): number {
  let length = 1;
  for (let rest = value; rest >= 0x80n; rest >>= 7n) length += 1;
  return length;
}

function writeBigVarint(row: Buffer, value: bigint, from: number): void {
  let at = from;
  let rest = value;
  for (; rest >= 0x80n; rest >>= 7n) row[at++] = Number(rest & 0x7fn) | 0x80;
  row[at] = Number(rest);
}
