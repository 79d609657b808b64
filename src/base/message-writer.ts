/** Bytes of the room that all messages are written in, one after the other; a larger message gets a larger one of its own. */
const ROOM_BYTES = 64 * 1024;
/** Bytes of the longest number. */
const MAX_VARINT_BYTES = 10;
/** Texts up to so many characters are written by a loop, which takes less time than a call of the native writer. */
const SHORT_TEXT = 24;
/** Bytes of UTF-8 that one UTF-16 code unit becomes at most. */
const MAX_BYTES_A_UNIT = 3;

/** What nobody writes in just now. Whoever fails in the midst of a message keeps it, and the next one makes another. */
let room: Buffer | undefined;

/**
 * Writes protobuf messages for the generated encoders. The encoders run to their end without a pause, so that all messages of a process are
 * written in the same room, and each costs one copy of its own length. It has the kinds of fields that the contracts use; tsc names one that is
 * missing.
 *
 * Worked example: `uint32(0x0a).fork().uint32(0x12).string("a").join().finish()` is a message whose field 1 is a message whose field 2 is "a":
 * `0a 03 12 01 61`. `fork` leaves a byte for the length, and `join` puts it in, having moved what was written where it takes more than one.
 */
export class MessageWriter {
  #bytes: Buffer;
  #at = 0;
  /** Where the messages begin that are being written within each other. */
  readonly #begun: number[] = [];

  constructor() {
    this.#bytes = room ?? Buffer.allocUnsafeSlow(ROOM_BYTES);
    room = undefined;
  }

  /** The message. Nothing can be written after it. */
  finish(): Buffer {
    const message = Buffer.from(this.#bytes.subarray(0, this.#at));
    if (this.#bytes.length === ROOM_BYTES) room = this.#bytes;
    this.#bytes = NO_ROOM;
    this.#at = 0;
    return message;
  }

  /** Begins a message, or numbers in one piece, within this one. */
  fork(): this {
    this.#reserve(1);
    this.#at += 1;
    this.#begun.push(this.#at);
    return this;
  }

  /** Ends what `fork` began. */
  join(): this {
    const begin = this.#begun.pop();
    if (begin === undefined) throw new Error("nothing was begun that could end");
    const length = this.#at - begin;
    const more = lengthBytes(length) - 1;
    if (more > 0) {
      this.#reserve(more);
      this.#bytes.copyWithin(begin + more, begin, this.#at);
    }
    this.#at = begin - 1;
    this.#varint(length);
    this.#at += length;
    return this;
  }

  uint32(value: number): this {
    if (!(value >= 0 && value <= 0xffff_ffff && Number.isInteger(value))) throw new Error(`invalid uint32: ${value}`);
    this.#reserve(MAX_VARINT_BYTES);
    this.#varint(value);
    return this;
  }

  int32(value: number): this {
    if (!(value >= -0x8000_0000 && value <= 0x7fff_ffff && Number.isInteger(value))) throw new Error(`invalid int32: ${value}`);
    this.#reserve(MAX_VARINT_BYTES);
    if (value >= 0) this.#varint(value);
    else this.#halves(value >>> 0, 0xffff_ffff);
    return this;
  }

  int64(value: bigint): this {
    return this.uint64(BigInt.asUintN(64, value));
  }

  uint64(value: bigint): this {
    this.#reserve(MAX_VARINT_BYTES);
    if (value <= 0xffff_ffffn) this.#varint(Number(value));
    else this.#halves(Number(value & 0xffff_ffffn), Number(value >> 32n));
    return this;
  }

  bool(value: boolean): this {
    this.#reserve(1);
    this.#bytes[this.#at++] = value ? 1 : 0;
    return this;
  }

  double(value: number): this {
    this.#reserve(8);
    this.#at = this.#bytes.writeDoubleLE(value, this.#at);
    return this;
  }

  bytes(value: Uint8Array): this {
    this.#reserve(MAX_VARINT_BYTES + value.length);
    this.#varint(value.length);
    this.#bytes.set(value, this.#at);
    this.#at += value.length;
    return this;
  }

  string(value: string): this {
    const { length } = value;
    this.#reserve(MAX_VARINT_BYTES + length * MAX_BYTES_A_UNIT);
    if (length <= SHORT_TEXT && this.#ascii(value)) return this;
    // Of ASCII, as most texts are, the length in bytes is that in characters.
    const guess = lengthBytes(length);
    const begin = this.#at + guess;
    const written = this.#bytes.write(value, begin);
    const took = lengthBytes(written);
    if (took !== guess) this.#bytes.copyWithin(begin + took - guess, begin, begin + written);
    this.#varint(written);
    this.#at += written;
    return this;
  }

  /** Writes a short text of ASCII; false where it is none, and nothing is written. */
  #ascii(value: string): boolean {
    const bytes = this.#bytes;
    let at = this.#at;
    bytes[at++] = value.length;
    for (let index = 0; index < value.length; index += 1) {
      const unit = value.charCodeAt(index);
      if (unit > 0x7f) return false;
      bytes[at++] = unit;
    }
    this.#at = at;
    return true;
  }

  /** Writes a number of at most 32 bits. */
  #varint(value: number): void {
    let left = value;
    while (left > 0x7f) {
      this.#bytes[this.#at++] = (left & 0x7f) | 0x80;
      left >>>= 7;
    }
    this.#bytes[this.#at++] = left;
  }

  /** Writes a number of 64 bits, the upper 32 of which are not all 0. */
  #halves(low: number, high: number): void {
    for (let shift = 0; shift < 28; shift += 7) this.#bytes[this.#at++] = ((low >>> shift) & 0x7f) | 0x80;
    const middle = (low >>> 28) | ((high & 0x07) << 4);
    const rest = high >>> 3;
    this.#bytes[this.#at++] = rest === 0 ? middle : middle | 0x80;
    if (rest !== 0) this.#varint(rest);
  }

  #reserve(bytes: number): void {
    const needed = this.#at + bytes;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#bytes.length));
    larger.set(this.#bytes.subarray(0, this.#at));
    if (this.#bytes.length === ROOM_BYTES) room = this.#bytes;
    this.#bytes = larger;
  }
}

/** Where nothing can be written. */
const NO_ROOM = Buffer.alloc(0);

/** Bytes that a length of at most 32 bits takes. */
function lengthBytes(length: number): number {
  if (length < 0x80) return 1;
  if (length < 0x4000) return 2;
  if (length < 0x20_0000) return 3;
  return length < 0x1000_0000 ? 4 : 5;
}
