/** Reads numbers and texts as LevelDB writes them, one after the other. Throws RangeError behind the end. */
export class VarintReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  /** A number in groups of seven bits, the lowest first. Example: `e8 07` is 1000. Numbers beyond 2^53 are of no use here. */
  number(): number {
    for (let value = 0, unit = 1; ; unit *= 128) {
      const byte = this.#bytes[this.#at];
      if (byte === undefined || unit > 2 ** 63) throw new RangeError("a number is cut off");
      this.#at += 1;
      value += (byte & 0x7f) * unit;
      if (byte < 0x80) return value;
    }
  }

  /** So many bytes. */
  bytes(length: number): Buffer {
    if (this.#at + length > this.#bytes.length) throw new RangeError("a text is cut off");
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }
}
