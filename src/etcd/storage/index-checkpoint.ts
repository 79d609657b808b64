import { crc32 } from "node:zlib";
import { KeyHistory } from "../key-index/key-history.js";
import type { KeyIndex } from "../key-index/key-index.js";

/** First payload of every checkpoint; the number grows when older code must not read it any more. */
const FORMAT = "spheresim etcd index 1";
const FRAME_HEAD_BYTES = 8;
/** Larger frames are not ours. */
const MAX_FRAME_BYTES = 256 * 1024 * 1024;
/** A frame of keys is closed when it holds so much. */
const KEYS_FRAME_BYTES = 64 * 1024;
/** Bytes of a key without versions and name. */
const KEY_HEAD_BYTES = 32;
const VERSION_BYTES = 12;

/** Why a checkpoint was not used: a reason to read the log instead, never to fail. */
export class CheckpointRefused extends Error {}

/** Where in history a checkpoint stands. */
export interface CheckpointEnd {
  /** It holds every version up to here; what follows is to be read from the log. */
  readonly revision: number;
  /**
   * The index was written while it changed: facts of keys that changed after `revision` may be newer. The log holds everything up to
   * here, so reading it puts them right.
   */
  readonly upTo: number;
  /** Checksum of the log rows of revision `upTo`, by which a checkpoint knows its log. */
  readonly mark: number;
  readonly keys: number;
}

/**
 * A checkpoint is a row of frames: 4 bytes length of the payload, 4 bytes CRC-32 of it, the payload; numbers are little-endian, revisions
 * and versions doubles. The first frame is the text FORMAT, then come frames of keys in key order, the last holds CheckpointEnd: revision,
 * upTo, mark (4 bytes), keys. A file without it was cut short.
 *
 * A key is: name length (4), number of versions (4), create_revision (8), version (8), lease (8), then 12 bytes for each version, oldest
 * first (main 8, 2 * sub + deletion 4), then the name.
 *
 * Example: key a, put at revision 2 and nothing else:
 * `01000000 01000000 0000000000000040 000000000000f03f 0000000000000000 0000000000000040 00000000 61`
 */
export function frame(payload: Buffer): Buffer {
  const head = Buffer.allocUnsafe(FRAME_HEAD_BYTES);
  head.writeUInt32LE(payload.length, 0);
  head.writeUInt32LE(crc32(payload), 4);
  return Buffer.concat([head, payload]);
}

/** The first frame. */
export function headFrame(): Buffer {
  return frame(Buffer.from(FORMAT));
}

/** The last frame. */
export function endFrame(end: CheckpointEnd): Buffer {
  const payload = Buffer.alloc(END_BYTES);
  payload.writeDoubleLE(end.revision, 0);
  payload.writeDoubleLE(end.upTo, 8);
  payload.writeUInt32LE(end.mark, 16);
  payload.writeDoubleLE(end.keys, 20);
  return frame(payload);
}

const END_BYTES = 28;

/** Gathers keys into frames. */
export class KeyFrames {
  #bytes = Buffer.allocUnsafe(KEYS_FRAME_BYTES * 2);
  #length = 0;
  keys = 0;

  /** Adds the versions of a key up to `revision`, if it has any. */
  add(history: KeyHistory, revision: number): void {
    const pairs = history.versionsUpTo(revision);
    if (pairs.length === 0) return;
    const needed = KEY_HEAD_BYTES + (pairs.length / 2) * VERSION_BYTES + history.key.length;
    if (this.#length + needed > this.#bytes.length) this.#grow(needed);
    const bytes = this.#bytes;
    let at = bytes.writeUInt32LE(history.key.length, this.#length);
    at = bytes.writeUInt32LE(pairs.length / 2, at);
    at = bytes.writeDoubleLE(history.createRevision, at);
    at = bytes.writeDoubleLE(history.version, at);
    at = bytes.writeBigInt64LE(history.lease, at);
    for (let index = 0; index < pairs.length; index += 2) {
      at = bytes.writeDoubleLE(pairs[index] as number, at);
      at = bytes.writeUInt32LE(pairs[index + 1] as number, at);
    }
    this.#length = at + bytes.write(history.key, at, "latin1");
    this.keys += 1;
  }

  /** A frame of what was added, when it is enough for one, or whatever there is with `all`. */
  take(all: boolean): Buffer | undefined {
    if (this.#length === 0 || (!all && this.#length < KEYS_FRAME_BYTES)) return undefined;
    const taken = frame(this.#bytes.subarray(0, this.#length));
    this.#length = 0;
    return taken;
  }

  #grow(needed: number): void {
    const grown = Buffer.allocUnsafe((this.#length + needed) * 2);
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
  }
}

/** Fills an empty index from the pieces of a checkpoint. Throws CheckpointRefused unless it is whole and of this format. */
export async function readCheckpoint(pieces: AsyncIterable<Buffer>, index: KeyIndex): Promise<CheckpointEnd> {
  let last: Buffer | undefined;
  let frames = 0;
  for await (const payload of framesOf(pieces)) {
    if (frames === 0) {
      if (payload.toString() !== FORMAT) throw new CheckpointRefused("it has another format");
    } else {
      if (last !== undefined) readKeys(last, index);
      last = payload;
    }
    frames += 1;
  }
  if (last?.length !== END_BYTES) throw new CheckpointRefused(frames === 0 ? "there is none" : "it has no end");
  const end = { revision: last.readDoubleLE(0), upTo: last.readDoubleLE(8), mark: last.readUInt32LE(16), keys: last.readDoubleLE(20) };
  if (end.keys !== index.size) throw new CheckpointRefused("it holds another number of keys than it says");
  return end;
}

async function* framesOf(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const piece of pieces) {
    let bytes = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
    while (bytes.length >= FRAME_HEAD_BYTES) {
      const length = bytes.readUInt32LE(0);
      if (length > MAX_FRAME_BYTES) throw new CheckpointRefused("a frame has no possible length");
      if (bytes.length < FRAME_HEAD_BYTES + length) break;
      const payload = bytes.subarray(FRAME_HEAD_BYTES, FRAME_HEAD_BYTES + length);
      if (crc32(payload) !== bytes.readUInt32LE(4)) throw new CheckpointRefused("a checksum does not fit");
      yield payload;
      bytes = bytes.subarray(FRAME_HEAD_BYTES + length);
    }
    rest = bytes;
  }
  if (rest.length > 0) throw new CheckpointRefused("it is cut short");
}

function readKeys(bytes: Buffer, index: KeyIndex): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < bytes.length; ) {
    const nameLength = view.getUint32(at, true);
    const versions = view.getUint32(at + 4, true);
    const lease = view.getUint32(at + 24, true) === 0 && view.getUint32(at + 28, true) === 0 ? 0n : view.getBigInt64(at + 24, true);
    const facts = { createRevision: whole(view.getFloat64(at + 8, true)), version: whole(view.getFloat64(at + 16, true)), lease };
    at += KEY_HEAD_BYTES;
    let older: number[] | undefined;
    for (let count = 1; count < versions; count += 1, at += VERSION_BYTES) (older ??= []).push(whole(view.getFloat64(at, true)), view.getUint32(at + 8, true));
    const main = whole(view.getFloat64(at, true));
    const code = view.getUint32(at + 8, true);
    at += VERSION_BYTES;
    index.append(KeyHistory.of(bytes.toString("latin1", at, at + nameLength), facts, main, code, older));
    at += nameLength;
  }
}

/** The same number, as V8 keeps small whole ones: in the object itself, where what was read as a double takes 16 bytes more. */
function whole(value: number): number {
  const small = value | 0;
  return small === value ? small : value;
}
