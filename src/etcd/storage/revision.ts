/** Where a change stands in history: the store revision and its place among the changes of that revision. */
export interface Revision {
  /** Store revision, from 1. Fits a JavaScript number: 2^53 changes take 28,000 years at 10,000 a second. */
  readonly main: number;
  /** Place within the revision, from 0. */
  readonly sub: number;
}

/** `_` between main and sub. */
const SEPARATOR = 0x5f;
/** `t` at the end of a deletion's key. */
const TOMBSTONE = 0x74;

const LENGTH = 17;

/**
 * The key of a row of the revision log, byte for byte as etcd keeps it, after `prefix` bytes of our own: 8 bytes main big-endian,
 * `_`, 8 bytes sub big-endian, and `t` if the change is a deletion. Byte order is the order of history.
 *
 * Example: revision 5, first change, a deletion: `0000000000000005 5f 0000000000000000 74`.
 */
export function encodeRevision(main: number, sub: number, tombstone: boolean, prefix = 0): Buffer {
  const bytes = Buffer.allocUnsafe(prefix + LENGTH + (tombstone ? 1 : 0));
  writeUint64(bytes, main, prefix);
  bytes[prefix + 8] = SEPARATOR;
  writeUint64(bytes, sub, prefix + 9);
  if (tombstone) bytes[prefix + LENGTH] = TOMBSTONE;
  return bytes;
}

/** Reads what encodeRevision wrote. */
export function decodeRevision(bytes: Buffer, prefix = 0): Revision & { readonly tombstone: boolean } {
  const length = bytes.length - prefix;
  if ((length !== LENGTH && length !== LENGTH + 1) || bytes[prefix + 8] !== SEPARATOR) throw new Error(`not a revision key: ${bytes.toString("hex")}`);
  return { main: readUint64(bytes, prefix), sub: readUint64(bytes, prefix + 9), tombstone: length === LENGTH + 1 };
}

function writeUint64(bytes: Buffer, value: number, at: number): void {
  bytes.writeUInt32BE(Math.floor(value / 2 ** 32), at);
  bytes.writeUInt32BE(value >>> 0, at + 4);
}

function readUint64(bytes: Buffer, at: number): number {
  return bytes.readUInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4);
}
