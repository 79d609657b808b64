/** Steps of a byte that is followed by none, one, two ... seven others (CRC-32C, Castagnoli; reflected polynomial 0x82f63b78). */
const [T0, T1, T2, T3, T4, T5, T6, T7] = tables();

/** Continues a checksum over more bytes, eight at a time; begin with 0. Example: crc32c(0, "123456789") is 0xe3069283. */
export function crc32c(crc: number, bytes: Buffer): number {
  let state = ~crc;
  let at = 0;
  const byte = (index: number): number => bytes[index] as number;
  for (const last = bytes.length - 7; at < last; at += 8) {
    state ^= byte(at) | (byte(at + 1) << 8) | (byte(at + 2) << 16) | (byte(at + 3) << 24);
    state =
      step(T7, state & 0xff) ^
      step(T6, (state >>> 8) & 0xff) ^
      step(T5, (state >>> 16) & 0xff) ^
      step(T4, state >>> 24) ^
      step(T3, byte(at + 4)) ^
      step(T2, byte(at + 5)) ^
      step(T1, byte(at + 6)) ^
      step(T0, byte(at + 7));
  }
  for (; at < bytes.length; at += 1) state = step(T0, (state ^ byte(at)) & 0xff) ^ (state >>> 8);
  return ~state >>> 0;
}

function step(table: Int32Array, index: number): number {
  return table[index] as number;
}

type Tables = readonly [Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array];

function tables(): Tables {
  const first = new Int32Array(256).map((_, byte) => {
    let crc = byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
    return crc;
  });
  const all = [first];
  for (let more = 1; more < 8; more += 1) all.push((all[more - 1] as Int32Array).map((crc) => step(first, crc & 0xff) ^ (crc >>> 8)));
  return all as unknown as Tables;
}
