import { atOnce, type Slices } from "../base/slices.js";
import { RangeResponse, type ResponseHeader } from "../gen/etcd/etcdserverpb/rpc.js";
import type { KeyValue } from "../gen/etcd/mvccpb/kv.js";
import { decodeRow, varintLength, writeBytes } from "./row.js";

/** Tag of RangeResponse.kvs, a length-delimited field 2. */
const KVS_TAG = (2 << 3) | 2;

/** What may be written in one slice: 2,000 rows or a mebibyte. */
const WORK_PER_SLICE = 2_000;
const ROW_BYTES_SHIFT = 9;
/** Rows whose length is taken in one slice. */
const ROWS_MEASURED_PER_SLICE = 20_000;

/**
 * The answer to a Range that carries its pairs as they are stored: a row of the log is a KeyValue on the wire, so that it is copied and
 * not taken apart and put together again.
 *
 * Example: a=1 at revision 2, more to come, count 5: header, `12 0c` and the twelve bytes of the row, `18 01` more, `20 05` count.
 */
export class StoredRange implements RangeResponse {
  readonly more: boolean;
  readonly count: bigint;
  header: ResponseHeader | undefined;
  readonly #rows: readonly Buffer[];
  #bytes: Buffer | undefined;

  constructor(rows: readonly Buffer[], more: boolean, count: number, header?: ResponseHeader) {
    this.#rows = rows;
    this.more = more;
    this.count = BigInt(count);
    this.header = header;
  }

  /** The pairs, for whoever looks into them. */
  get kvs(): KeyValue[] {
    return this.#rows.map(decodeRow);
  }

  /** Writes the message in slices, where it is long; from then on it must not change. */
  *encode(): Slices<void> {
    let length = this.#head().length + this.#tail().length;
    for (const [index, row] of this.#rows.entries()) {
      if (index > 0 && index % ROWS_MEASURED_PER_SLICE === 0) yield;
      length += 1 + varintLength(row.length) + row.length;
    }
    if (this.#rows.length + (length >> ROW_BYTES_SHIFT) <= WORK_PER_SLICE) return;
    const bytes = Buffer.allocUnsafe(length);
    yield* this.#write(bytes);
    this.#bytes = bytes;
  }

  /** The message, if `encode` has written it. */
  get bytes(): Buffer | undefined {
    return this.#bytes;
  }

  /** Bytes of the message. */
  get length(): number {
    let length = this.#head().length + this.#tail().length;
    for (const row of this.#rows) length += 1 + varintLength(row.length) + row.length;
    return length;
  }

  /** Writes the message; returns where it ends. */
  write(into: Buffer, from: number): number {
    return atOnce(this.#write(into, from));
  }

  *#write(into: Buffer, from = 0): Slices<number> {
    const [head, tail] = [this.#head(), this.#tail()];
    into.set(head, from);
    let at = from + head.length;
    let work = 0;
    for (const row of this.#rows) {
      if (work >= WORK_PER_SLICE) {
        work = 0;
        yield;
      }
      work += 1 + (row.length >> ROW_BYTES_SHIFT);
      at = writeBytes(into, KVS_TAG, row, at);
    }
    into.set(tail, at);
    return at + tail.length;
  }

  #head(): Uint8Array {
    return RangeResponse.encode(RangeResponse.create({ header: this.header })).finish();
  }

  #tail(): Uint8Array {
    return RangeResponse.encode(RangeResponse.create({ more: this.more, count: this.count })).finish();
  }
}
