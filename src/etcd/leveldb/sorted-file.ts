import { nextTurn } from "../../base/clock.js";
import { crc32c } from "../storage/crc32c.js";
import { unsnappy } from "./snappy.js";
import { VarintReader } from "./varint.js";

const FOOTER_BYTES = 48;
const MAGIC = Buffer.from("57fb808b247547db", "hex");
/** Kind of packing and checksum behind each block. */
const TRAILER_BYTES = 5;
const SNAPPY = 1;
/** Bytes that are looked at before others get their turn: about 4 ms of a processor. */
const STRETCH_BYTES = 4 * 1024 * 1024;

/** Where a block is. */
interface Handle {
  readonly offset: number;
  readonly length: number;
}

/**
 * The offset of the first block of a sorted file (`.ldb`) that is not what was written, undefined if all are; LevelDB itself does not look
 * at its checksums when it reads. A file is blocks of rows and blocks about them, an index of either, and a footer that says where the two
 * indexes are. Source: google/leveldb, doc/table_format.md.
 */
export async function damagedBlock(file: Buffer): Promise<number | undefined> {
  const footerAt = file.length - FOOTER_BYTES;
  if (footerAt < 0 || !file.subarray(-MAGIC.length).equals(MAGIC)) return Math.max(0, footerAt);
  let at = footerAt;
  let stretch = 0;
  try {
    const footer = new VarintReader(file.subarray(footerAt));
    for (const index of [handleOf(footer), handleOf(footer)]) {
      at = index.offset;
      if (!isWhole(file, index)) return at;
      for (const block of entriesOf(contentOf(file, index))) {
        at = block.offset;
        if (!isWhole(file, block)) return at;
        stretch += block.length;
        if (stretch < STRETCH_BYTES) continue;
        stretch = 0;
        await nextTurn();
      }
    }
    return undefined;
  } catch (error) {
    if (error instanceof RangeError) return at;
    throw error;
  }
}

function handleOf(reader: VarintReader): Handle {
  return { offset: reader.number(), length: reader.number() };
}

/** The checksum is kept turned and shifted, as rows may hold checksums themselves. */
function isWhole(file: Buffer, { offset, length }: Handle): boolean {
  if (offset + length + TRAILER_BYTES > file.length - FOOTER_BYTES) return false;
  const crc = crc32c(0, file.subarray(offset, offset + length + 1));
  return ((((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0) === file.readUInt32LE(offset + length + 1);
}

function contentOf(file: Buffer, { offset, length }: Handle): Buffer {
  const content = file.subarray(offset, offset + length);
  return file[offset + length] === SNAPPY ? unsnappy(content) : content;
}

/** The handles that an index holds as values; its keys are of no interest. At its end stand the places where keys are whole, and their number. */
function* entriesOf(index: Buffer): Generator<Handle> {
  const restarts = index.readUInt32LE(index.length - 4);
  const reader = new VarintReader(index.subarray(0, index.length - 4 - 4 * restarts));
  while (!reader.atEnd) {
    reader.number();
    const [keyLength, valueLength] = [reader.number(), reader.number()];
    reader.bytes(keyLength);
    yield handleOf(new VarintReader(reader.bytes(valueLength)));
  }
}
