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

  constructor(rows: readonly Buffer[], more: boolean, count: number) {
    this.#rows = rows;
    this.more = more;
    this.count = BigInt(count);
  }

  /** The pairs, for whoever looks into them. */
  get kvs(): KeyValue[] {
    return this.#rows.map(decodeRow);
  }

  /** The message. */
  encode(): Buffer {
    const head = RangeResponse.encode(RangeResponse.create({ header: this.header })).finish();
    const tail = RangeResponse.encode(RangeResponse.create({ more: this.more, count: this.count })).finish();
    let length = head.length + tail.length;
    for (const row of this.#rows) length += 1 + varintLength(row.length) + row.length;
    const bytes = Buffer.allocUnsafe(length);
    bytes.set(head);
    let at = head.length;
    for (const row of this.#rows) at = writeBytes(bytes, KVS_TAG, row, at);
    bytes.set(tail, at);
    return bytes;
  }
}

/** The bytes of any answer to a Range. */
export function encodeRange(response: RangeResponse): Buffer {
  return response instanceof StoredRange ? response.encode() : Buffer.from(RangeResponse.encode(response).finish());
}
