import { RangeResponse, type ResponseHeader } from "../gen/etcd/etcdserverpb/rpc.js";
import type { KeyValue } from "../gen/etcd/mvccpb/kv.js";
import { decodeRow, varintLength, writeBytes } from "./row.js";

/** Tag of RangeResponse.kvs, a length-delimited field 2. */
const KVS_TAG = (2 << 3) | 2;

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

  /** Bytes of the message. */
  get length(): number {
    let length = this.#head().length + this.#tail().length;
    for (const row of this.#rows) length += 1 + varintLength(row.length) + row.length;
    return length;
  }

  /** Writes the message; returns where it ends. */
  write(into: Buffer, from: number): number {
    const [head, tail] = [this.#head(), this.#tail()];
    into.set(head, from);
    let at = from + head.length;
    for (const row of this.#rows) at = writeBytes(into, KVS_TAG, row, at);
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
