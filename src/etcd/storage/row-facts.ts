import type { Key } from "../key-index/key-range.js";

/** What the index needs of a row. */
export interface RowFacts {
  key: Key;
  createRevision: number;
  version: number;
  lease: bigint;
}

/** Wire types of protobuf: a number, 8 bytes, bytes with their length, 4 bytes. */
const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;
/** Fields of mvccpb.KeyValue. */
const KEY = 1;
const CREATE_REVISION = 2;
const VERSION = 4;
const LEASE = 6;

/**
 * Reads the facts of stored rows without decoding their values: a start reads every row there is. It fills and returns one and the same
 * object.
 *
 * Example: `0a 01 61 10 02 18 02 20 01 2a 01 76` is key a, create_revision 2, mod_revision 2, version 1, value v, no lease.
 */
export class FactsReader {
  readonly #facts: RowFacts = { key: "", createRevision: 0, version: 0, lease: 0n };
  #row: Buffer = Buffer.alloc(0);
  #at = 0;

  /** Throws if the bytes are no mvccpb.KeyValue. */
  read(row: Buffer): RowFacts {
    const facts = this.#facts;
    facts.key = "";
    facts.createRevision = facts.version = 0;
    facts.lease = 0n;
    this.#row = row;
    this.#at = 0;
    while (this.#at < row.length) this.#field();
    if (this.#at !== row.length) throw new Error("a row of the log is cut short");
    return facts;
  }

  #field(): void {
    const tag = this.#number();
    const field = Math.floor(tag / 8);
    const type = tag % 8;
    if (type === VARINT) {
      const start = this.#at;
      const value = this.#number();
      if (field === CREATE_REVISION) this.#facts.createRevision = value;
      else if (field === VERSION) this.#facts.version = value;
      else if (field === LEASE) this.#facts.lease = varint64(this.#row, start);
    } else if (type === BYTES) {
      const length = this.#number();
      const start = this.#at;
      this.#at += length;
      if (field === KEY) this.#facts.key = this.#row.toString("latin1", start, this.#at);
    } else if (type === FIXED64) {
      this.#at += 8;
    } else if (type === FIXED32) {
      this.#at += 4;
    } else {
      throw new Error("a row of the log is no mvccpb.KeyValue");
    }
  }

  /** A varint as a number, exact up to 2^53. */
  #number(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.#row[this.#at];
      if (byte === undefined) throw new Error("a row of the log is cut short");
      this.#at += 1;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
  }
}

/** A varint as a signed 64-bit number. */
function varint64(bytes: Buffer, from: number): bigint {
  let value = 0n;
  for (let at = from, shift = 0n; ; at += 1, shift += 7n) {
    const byte = bytes[at] ?? 0;
    value |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) return BigInt.asIntN(64, value);
  }
}
