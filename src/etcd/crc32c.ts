/** CRC-32C (Castagnoli), reflected polynomial 0x82f63b78, one byte at a time. */
const TABLE = new Int32Array(256).map((_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit += 1) crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc;
});

/** Continues a checksum over more bytes; begin with 0. Example: crc32c(0, "123456789") is 0xe3069283. */
export function crc32c(crc: number, bytes: Buffer): number {
  let state = ~crc;
  for (let at = 0; at < bytes.length; at += 1) state = (TABLE[(state ^ (bytes[at] as number)) & 0xff] as number) ^ (state >>> 8);
  return ~state >>> 0;
}
