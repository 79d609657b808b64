import { VarintReader } from "./varint.js";

/** Longer ones are no block of LevelDB's. */
const MAX_BYTES = 64 * 1024 * 1024;

/**
 * Unpacks Snappy's raw format, in which LevelDB keeps the blocks that say where others are. Throws RangeError for what is none.
 * Source: google/snappy, format_description.txt.
 *
 * Example: `05 04 61 62 09 02 00` is 5 bytes: the literal `ab`, then from 2 bytes back what is there, 3 bytes: `ababa`.
 */
export function unsnappy(packed: Buffer): Buffer {
  const reader = new VarintReader(packed);
  const length = reader.number();
  if (length > MAX_BYTES) throw new RangeError("too long");
  const bytes = Buffer.alloc(length);
  let at = 0;
  const little = (count: number): number => reader.bytes(count).readUIntLE(0, count);
  while (!reader.atEnd) {
    const tag = little(1);
    const upper = tag >>> 2;
    if ((tag & 3) === 0) {
      // A literal: its length less one, in the tag up to 59, else in 1 to 4 bytes behind it.
      const literal = reader.bytes((upper < 60 ? upper : little(upper - 59)) + 1);
      if (at + literal.length > length) throw new RangeError("longer than it says");
      at += literal.copy(bytes, at);
      continue;
    }
    const copied = (tag & 3) === 1 ? (upper & 7) + 4 : upper + 1;
    const back = (tag & 3) === 1 ? ((upper >>> 3) << 8) | little(1) : little((tag & 3) === 2 ? 2 : 4);
    if (back === 0 || back > at || at + copied > length) throw new RangeError("copies from outside");
    // It may reach into what it is writing, so byte by byte.
    for (const end = at + copied; at < end; at += 1) bytes[at] = bytes[at - back] as number;
  }
  if (at !== length) throw new RangeError("shorter than it says");
  return bytes;
}
