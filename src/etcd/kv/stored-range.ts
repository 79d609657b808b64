import { atOnce, type Slices } from "../../base/slices.js";
import { type RangeResponse, ResponseHeader } from "../../gen/etcd/etcdserverpb/rpc.js";
import type { KeyValue } from "../../gen/etcd/mvccpb/kv.js";
import { bytesLength, decodeRow, numberLength, varintLength, writeBytes, writeNumber, writeVarint } from "../storage/row.js";

/** Tags of RangeResponse: header = 1, kvs = 2, more = 3, count = 4. */
const HEADER_TAG = (1 << 3) | 2;
const KVS_TAG = (2 << 3) | 2;
const MORE_TAG = 3 << 3;
const COUNT_TAG = 4 << 3;

/** What may be written in one slice: 2,000 rows or a mebibyte. */
const WORK_PER_SLICE = 2_000;
const ROW_BYTES_SHIFT = 9;
/** Rows whose length is taken in one slice. */
const ROWS_MEASURED_PER_SLICE = 20_000;

/** What stands around the pairs, and with it the whole length. */
interface Frame {
  /** The header's bytes; undefined without one. */
  readonly header: Uint8Array | undefined;
  readonly length: number;
}

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
  #frame: Frame | undefined;
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
    let pairs = 0;
    for (const [index, row] of this.#rows.entries()) {
      if (index > 0 && index % ROWS_MEASURED_PER_SLICE === 0) yield;
      pairs += bytesLength(row);
    }
    const { length } = this.#frameAround(pairs);
    if (this.#rows.length + (length >> ROW_BYTES_SHIFT) <= WORK_PER_SLICE) return;
    const bytes = Buffer.allocUnsafe(length);
    yield* this.#write(bytes);
    this.#bytes = bytes;
  }

  /** The message, if `encode` has written it. */
  get bytes(): Buffer | undefined {
    return this.#bytes;
  }

  /** Bytes of the message, which from then on must not change. */
  get length(): number {
    return this.#measured().length;
  }

  /** Writes the message; returns where it ends. */
  write(into: Buffer, from: number): number {
    return atOnce(this.#write(into, from));
  }

  *#write(into: Buffer, from = 0): Slices<number> {
    const { header } = this.#measured();
    let at = header === undefined ? from : writeHeader(into, header, from);
    let work = 0;
    for (const row of this.#rows) {
      if (work >= WORK_PER_SLICE) {
        work = 0;
        yield;
      }
      work += 1 + (row.length >> ROW_BYTES_SHIFT);
      at = writeBytes(into, KVS_TAG, row, at);
    }
    at = writeNumber(into, MORE_TAG, Number(this.more), at);
    return writeNumber(into, COUNT_TAG, Number(this.count), at);
  }

  #measured(): Frame {
    return (this.#frame ??= this.#frameAround(this.#rows.reduce((pairs, row) => pairs + bytesLength(row), 0)));
  }

  #frameAround(pairs: number): Frame {
    const header = this.header === undefined ? undefined : ResponseHeader.encode(this.header).finish();
    const headerLength = header === undefined ? 0 : 1 + varintLength(header.length) + header.length;
    return (this.#frame = { header, length: headerLength + pairs + numberLength(Number(this.more)) + numberLength(Number(this.count)) });
  }
}

/** Unlike other fields, a header that is empty stands there all the same. */
function writeHeader(into: Buffer, header: Uint8Array, from: number): number {
  into[from] = HEADER_TAG;
  const at = writeVarint(into, header.length, from + 1);
  into.set(header, at);
  return at + header.length;
}
