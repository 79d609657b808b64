import { replaceCoded } from "./huffman.js";

const [SLASH, DOT] = Buffer.from("/.") as unknown as [number, number];
/** Index of `:authority` in HPACK's static table. */
const AUTHORITY = 1;

/**
 * Makes the `:authority` of a header block one that Node takes: `/` becomes `.`, in place. Returns whether there was one to repair.
 *
 * Go's etcd client up to 3.4 sends what it was told to dial, `http://127.0.0.1:2379` or the path of a socket file; etcd takes that, but
 * nghttp2 below Node resets such a stream as RFC 9113 asks. Nothing here reads an authority with slashes, so which character stands there
 * is of no importance; that the length stays is: the tables of both sides count it.
 */
export function repairAuthority(block: Buffer): boolean {
  let at = 0;
  let found = false;
  /** An integer with a prefix of `bits` (RFC 7541, 5.1). */
  const integer = (bits: number): number => {
    const limit = (1 << bits) - 1;
    let value = (block[at] ?? 0) & limit;
    at += 1;
    for (let shift = 0, more = value === limit; more && shift < 28; shift += 7) {
      const byte = block[at] ?? 0;
      at += 1;
      value += (byte & 127) << shift;
      more = byte > 127;
    }
    return value;
  };
  const string = (): { readonly coded: boolean; readonly bytes: Buffer } => {
    const coded = ((block[at] ?? 0) & 128) !== 0;
    const length = integer(7);
    const bytes = block.subarray(at, at + length);
    at += length;
    return { coded, bytes };
  };
  while (at < block.length) {
    const first = block[at] as number;
    if (first >= 128) integer(7);
    else if (first >= 32 && first < 64) integer(5);
    else {
      const name = integer(first >= 64 ? 6 : 4);
      if (name === 0) string();
      const { coded, bytes } = string();
      if (name === AUTHORITY) found = (coded ? replaceCoded(bytes, SLASH, DOT) : replacePlain(bytes)) || found;
    }
  }
  return found;
}

function replacePlain(bytes: Buffer): boolean {
  let found = false;
  for (let at = bytes.indexOf(SLASH); at >= 0; at = bytes.indexOf(SLASH, at)) {
    bytes[at] = DOT;
    found = true;
  }
  return found;
}
