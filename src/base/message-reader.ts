import { isUtf8 } from "node:buffer";

/** Messages within each other that a reader follows when it is not told otherwise; protobuf's usual limit. */
const DEFAULT_MAX_DEPTH = 100;
/** Bytes of the longest number. */
const MAX_VARINT_BYTES = 10;
/** Stands for the fields whose numbers no contract can use. */
const UNUSABLE_FIELD = 0x1fffffff;

/** Bytes that are no message of the type they are read as; the text is that of etcd's decoders. */
export class MessageError extends Error {}

/** A message that holds more messages within each other than the reader follows. */
export class MessageDepthError extends MessageError {}

/**
 * Reads protobuf messages for the generated decoders, as strictly as etcd's decoders do (gogo/protobuf 1.3.2): no field may have another
 * wire type than its own, no field the number 0, no message may end in its midst or go on beyond its end. What is not known is skipped.
 * It has the kinds of fields that the contracts use; tsc names one that is missing.
 *
 * Worked example: of `0a 03 12 01 61` the field 1 is a message of 3 bytes. `tag()` gives 0x0a, `enter(size())` makes `end` 5, `tag()` gives
 * 0x12 and `bytes()` "a"; now `pos` is `end`, and `leave()` goes back to the outer message.
 */
export class MessageReader {
  /** Where the next byte is read. */
  pos = 0;
  /** Where the message ends that is being read. */
  end: number;
  readonly #buffer: Buffer;
  #depthLeft: number;
  /** The halves of the number that was read last. */
  #low = 0;
  #high = 0;

  constructor(bytes: Uint8Array, maxDepth = DEFAULT_MAX_DEPTH) {
    this.#buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.end = bytes.length;
    this.#depthLeft = maxDepth;
  }

  /** Begins a message of so many bytes, or of all there are; returns what `leave` is to be given. */
  enter(length: number | undefined): number {
    if (this.#depthLeft === 0) throw new MessageDepthError("proto: message nested too deeply");
    this.#depthLeft -= 1;
    const outerEnd = this.end;
    if (length !== undefined) this.end = this.pos + length;
    return outerEnd;
  }

  leave(outerEnd: number): void {
    this.#depthLeft += 1;
    this.end = outerEnd;
  }

  /** The next field's number, shifted by 3, and its wire type. `message` names the type for the error's text. */
  tag(message: string): number {
    const byte = this.#buffer[this.pos] as number;
    if (byte < 0x80 && byte > 7 && (byte & 7) !== 4) {
      this.pos += 1;
      return byte;
    }
    this.#varint();
    const wireType = this.#low & 7;
    // As in Go, where the number is cut down to 32 bits with a sign.
    const field = (this.#low >>> 3) | (this.#high << 29);
    if (wireType === 4) throw new MessageError(`proto: ${message}: wiretype end group for non-group`);
    if (field <= 0) throw new MessageError(`proto: ${message}: illegal tag ${field} (wire type ${this.#uint64()})`);
    return ((Math.min(field, UNUSABLE_FIELD) << 3) | wireType) >>> 0;
  }

  /** The refusal of a field that came with this tag. */
  wrongType(tag: number, field: string): MessageError {
    return new MessageError(`proto: wrong wireType = ${tag & 7} for field ${field}`);
  }

  /** Leaves out a field of this wire type; a group with all that is in it. */
  skip(wireType: number): void {
    let groups = 0;
    for (let type = wireType; ; type = this.#low & 7) {
      if (type === 0) this.#varint();
      else if (type === 1) this.#pass(8);
      else if (type === 2) this.#pass(this.size());
      else if (type === 3) groups += 1;
      else if (type === 4) groups -= 1;
      else if (type === 5) this.#pass(4);
      else throw new MessageError(`proto: illegal wireType ${type}`);
      if (groups === 0) return;
      this.#varint();
    }
  }

  /** The length that stands before bytes; they are all there. */
  size(): number {
    const size = this.uint32();
    if (this.#high !== 0 || size > this.end - this.pos) throw this.#wrongSize();
    return size;
  }

  bytes(): Buffer {
    const start = this.#pass(this.size());
    return this.#buffer.subarray(start, this.pos);
  }

  string(): string {
    const start = this.#pass(this.size());
    const text = this.#buffer.toString("utf8", start, this.pos);
    // What is not UTF-8 is replaced by this character; else it is only there where it was sent.
    if (text.includes("\ufffd") && !isUtf8(this.#buffer.subarray(start, this.pos))) throw new MessageError("string field contains invalid UTF-8");
    return text;
  }

  /** The low half of a number; `size` looks at the high one. */
  uint32(): number {
    const byte = this.#buffer[this.pos] as number;
    if (byte < 0x80 && this.pos < this.end) {
      this.pos += 1;
      this.#high = 0;
      return byte;
    }
    this.#varint();
    return this.#low >>> 0;
  }

  int32(): number {
    return this.uint32() | 0;
  }

  uint64(): bigint {
    const low = this.uint32();
    return this.#high === 0 ? BigInt(low) : this.#uint64();
  }

  int64(): bigint {
    const low = this.uint32();
    return this.#high === 0 ? BigInt(low) : BigInt.asIntN(64, this.#uint64());
  }

  bool(): boolean {
    return this.uint32() !== 0 || this.#high !== 0;
  }

  double(): number {
    return this.#buffer.readDoubleLE(this.#pass(8));
  }

  #pass(length: number): number {
    const start = this.pos;
    if (length > this.end - start) throw endsEarly();
    this.pos = start + length;
    return start;
  }

  #varint(): void {
    const buffer = this.#buffer;
    let low = 0;
    // Four groups of seven bits are the low half's alone: nearly every number is done here.
    for (let shift = 0; shift < 28; shift += 7) {
      if (this.pos >= this.end) throw endsEarly();
      const byte = buffer[this.pos] as number;
      this.pos += 1;
      low |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        this.#low = low;
        this.#high = 0;
        return;
      }
    }
    this.#longVarint(low);
  }

  /** The rest of a number of five bytes and more. */
  #longVarint(start: number): void {
    let low = start;
    let high = 0;
    for (let index = 4; index < MAX_VARINT_BYTES; index += 1) {
      if (this.pos >= this.end) throw endsEarly();
      const byte = this.#buffer[this.pos] as number;
      this.pos += 1;
      const bits = byte & 0x7f;
      // The fifth group is of both halves; bits beyond the 64th are dropped.
      if (index === 4) {
        low |= bits << 28;
        high = bits >>> 4;
      } else high |= bits << (index * 7 - 32);
      if (byte < 0x80) {
        this.#low = low;
        this.#high = high;
        return;
      }
    }
    throw new MessageError("proto: integer overflow");
  }

  #uint64(): bigint {
    return (BigInt(this.#high >>> 0) << 32n) | BigInt(this.#low >>> 0);
  }

  /** Why a length cannot be: it is none as a signed number, or there is less. */
  #wrongSize(): MessageError {
    if (this.#high === 0) return endsEarly();
    const size = BigInt.asIntN(64, this.#uint64());
    return size < 0n || BigInt.asIntN(64, size + BigInt(this.pos)) < 0n ? new MessageError("proto: negative length found during unmarshaling") : endsEarly();
  }
}

function endsEarly(): MessageError {
  return new MessageError("unexpected EOF");
}
