import { type FileHandle, open } from "node:fs/promises";
import { basename } from "node:path";
import { MessageReader } from "../../base/message-reader.js";

/** The log is none, or is damaged; the message is half a line. */
export class RaftLogError extends Error {
  override readonly name = "RaftLogError";
}

/** A frame: its length in the lower 7 bytes, and how many bytes fill it up in the lowest three bits of the eighth, if its sign is set. */
const FRAME_HEAD_BYTES = 8;
const PADDED = 0x80;
const PADDING = 0x07;
const READ_BYTES = 1024 * 1024;
/** etcd takes no request near that size. */
const MAX_RECORD_BYTES = 64 * 1024 * 1024;

/** walpb.Record: what `data` is, and the CRC-32C over it and all before it. */
export interface WalRecord {
  readonly type: number;
  readonly crc: number;
  readonly data: Buffer;
}

/** Records of a file. It is made longer than it is, so that zeros end it; of the last one the end may be torn off: that was never acknowledged. */
export async function* recordsOf(path: string, last: boolean): AsyncGenerator<WalRecord> {
  const file = await open(path, "r");
  try {
    const bytes = new FileBytes(file, (await file.stat()).size);
    for (;;) {
      const head = await bytes.take(FRAME_HEAD_BYTES);
      if (head === undefined) return;
      const length = head.readUInt32LE(0) + (head.readUIntLE(4, 3) > 0 ? Infinity : 0);
      const flags = head.readUInt8(7);
      if (length === 0 && flags === 0) return;
      if (length > MAX_RECORD_BYTES) throw new RaftLogError(`${basename(path)} is damaged`);
      const frame = await bytes.take(length + ((flags & PADDED) === 0 ? 0 : flags & PADDING));
      if (frame === undefined) {
        if (last) return;
        throw new RaftLogError(`${basename(path)} is cut short`);
      }
      yield readRecord(frame.subarray(0, length));
    }
  } finally {
    await file.close();
  }
}

/** A file that is read on in large pieces. */
class FileBytes {
  readonly #file: FileHandle;
  readonly #size: number;
  #at = 0;
  #piece = Buffer.alloc(0);

  constructor(file: FileHandle, size: number) {
    this.#file = file;
    this.#size = size;
  }

  /** The next bytes; undefined where there are fewer. */
  async take(count: number): Promise<Buffer | undefined> {
    if (this.#piece.length < count) {
      const wanted = Math.min(Math.max(count, READ_BYTES) - this.#piece.length, this.#size - this.#at);
      const more = Buffer.alloc(wanted);
      const { bytesRead } = await this.#file.read(more, 0, wanted, this.#at);
      this.#at += bytesRead;
      this.#piece = Buffer.concat([this.#piece, more.subarray(0, bytesRead)]);
      if (this.#piece.length < count) return undefined;
    }
    const taken = this.#piece.subarray(0, count);
    this.#piece = this.#piece.subarray(count);
    return taken;
  }
}

/** walpb.Record: type, crc and data are the fields 1 to 3. */
function readRecord(bytes: Buffer): WalRecord {
  const record: { type: number; crc: number; data: Buffer } = { type: 0, crc: 0, data: Buffer.alloc(0) };
  eachField(bytes, (field, reader) => {
    if (field === 1) record.type = Number(reader.int64());
    else if (field === 2) record.crc = reader.uint32();
    else if (field === 3) record.data = reader.bytes();
    else return false;
    return true;
  });
  return record;
}

/** Reads fields one by one; `read` says whether it took one. */
export function eachField(bytes: Buffer, read: (field: number, reader: MessageReader) => boolean): void {
  const reader = new MessageReader(bytes);
  while (reader.pos < reader.end) {
    const tag = reader.tag("Record");
    if (!read(tag >>> 3, reader)) reader.skip(tag & 7);
  }
}
