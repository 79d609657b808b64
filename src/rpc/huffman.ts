/** Lengths in bits of the codes of bytes 0 to 255 in HPACK's Huffman code (RFC 7541, appendix B). */
const LENGTHS = [
  [13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28],
  [6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10],
  [13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6],
  [15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28],
  [20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24],
  [22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23],
  [26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27],
  [20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26],
].flat();

/** A code as `length:bits`. */
const codeName = (length: number, bits: number): string => `${length}:${bits}`;

/**
 * The code is canonical: codes of one length follow each other in the order of their bytes, and each length goes on where the one before
 * ended. Worked example: `0` is 00000, `1` 00001 ... `t` 01001; then, of 6 bits, space 010100, `%` 010101, `-` 010110, `.` 010111, `/` 011000.
 */
function canonical(): { readonly bytes: ReadonlyMap<string, number>; readonly codes: readonly number[] } {
  const bytes = new Map<string, number>();
  const codes: number[] = [];
  let bits = 0;
  for (let length = 5; length <= 30; length += 1) {
    for (const [byte, of] of LENGTHS.entries()) {
      if (of !== length) continue;
      bytes.set(codeName(length, bits), byte);
      codes[byte] = bits;
      bits += 1;
    }
    bits *= 2;
  }
  return { bytes, codes };
}

const { bytes: BYTES, codes: CODES } = canonical();

/**
 * Writes the byte `to` wherever a coded string has `from`, in place. The two must have codes of one length, so that nothing moves.
 * Returns whether there was one.
 */
export function replaceCoded(coded: Buffer, from: number, to: number): boolean {
  if (LENGTHS[from] !== LENGTHS[to]) throw new Error("the two codes differ in length");
  let found = false;
  for (let start = 0, at = 0, bits = 0; at < coded.length * 8; at += 1) {
    bits = bits * 2 + (((coded[at >> 3] as number) >> (7 - (at & 7))) & 1);
    const length = at + 1 - start;
    // What is left at the end is padding.
    if (length > 30) return found;
    const byte = BYTES.get(codeName(length, bits));
    if (byte === undefined) continue;
    if (byte === from) {
      found = true;
      writeBits(coded, start, length, CODES[to] as number);
    }
    start = at + 1;
    bits = 0;
  }
  return found;
}

function writeBits(target: Buffer, start: number, length: number, bits: number): void {
  for (let index = 0; index < length; index += 1) {
    const at = start + index;
    const mask = 1 << (7 - (at & 7));
    const set = ((bits >> (length - 1 - index)) & 1) === 1;
    target[at >> 3] = set ? (target[at >> 3] as number) | mask : (target[at >> 3] as number) & ~mask;
  }
}
