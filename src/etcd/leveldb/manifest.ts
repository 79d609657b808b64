import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { VarintReader } from "./varint.js";

const BLOCK_BYTES = 32 * 1024;
/** Checksum, length and kind in front of each record. */
const HEAD_BYTES = 7;
/** A record, or its first, middle or last part. */
const PART = { whole: 1, first: 2, middle: 3, last: 4 } as const;
/** What a change to the set of files can say. Source: google/leveldb, db/version_edit.cc. */
const TAG = { comparator: 1, logNumber: 2, nextFileNumber: 3, lastSequence: 4, compactPointer: 5, deletedFile: 6, newFile: 7, previousLogNumber: 9 } as const;

/**
 * The sorted files that make up the database in a directory now, by number, with their sizes in bytes. Others are left over from a crash
 * and of no account. None where there is no database.
 *
 * What cannot be read ends the list without a word: LevelDB itself then refuses the manifest, by its checksums, when it opens it.
 */
export async function liveFiles(directory: string): Promise<ReadonlyMap<number, number>> {
  const files = new Map<number, number>();
  try {
    const name = (await readFile(join(directory, "CURRENT"), "utf8")).trim();
    for (const record of records(await readFile(join(directory, name)))) apply(record, files);
  } catch (error) {
    if (!(error instanceof RangeError) && (error as NodeJS.ErrnoException).code === undefined) throw error;
  }
  return files;
}

/** The records of a file in LevelDB's log format, up to the first that is not whole. Source: google/leveldb, doc/log_format.md. */
function* records(log: Buffer): Generator<Buffer> {
  let parts: Buffer[] = [];
  for (let at = 0; at + HEAD_BYTES <= log.length; ) {
    const left = BLOCK_BYTES - (at % BLOCK_BYTES);
    if (left < HEAD_BYTES) {
      at += left;
      continue;
    }
    const [length, kind] = [log.readUInt16LE(at + 4), log[at + 6]];
    const part = log.subarray(at + HEAD_BYTES, at + HEAD_BYTES + length);
    if (part.length < length || kind === 0) return;
    at += HEAD_BYTES + length;
    parts = kind === PART.whole || kind === PART.first ? [part] : [...parts, part];
    if (kind === PART.whole || kind === PART.last) yield Buffer.concat(parts);
  }
}

function apply(record: Buffer, files: Map<number, number>): void {
  const reader = new VarintReader(record);
  while (!reader.atEnd) {
    switch (reader.number()) {
      case TAG.comparator:
        reader.bytes(reader.number());
        break;
      case TAG.logNumber:
      case TAG.nextFileNumber:
      case TAG.lastSequence:
      case TAG.previousLogNumber:
        reader.number();
        break;
      case TAG.compactPointer:
        reader.number();
        reader.bytes(reader.number());
        break;
      case TAG.deletedFile:
        reader.number();
        files.delete(reader.number());
        break;
      case TAG.newFile: {
        reader.number();
        const number = reader.number();
        files.set(number, reader.number());
        reader.bytes(reader.number());
        reader.bytes(reader.number());
        break;
      }
      default:
        throw new RangeError("an unknown change");
    }
  }
}
