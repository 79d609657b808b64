/** Room for a chunk and what may stand over it. */
const FIRST_BYTES = 72 * 1024;
/** Up to here base64 is made quicker than it is asked for. */
const SHORT_BYTES = 96;
const DIGITS = Buffer.from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
const [QUOTE, EQUALS, ZERO] = [0x22, 0x3d, 0x30];
const BILLION = 1_000_000_000;

/** Bytes of JSON in the making: no string is made of what is short, as collecting those costs more than all the rest. */
export class JsonOutput {
  #bytes = Buffer.allocUnsafe(FIRST_BYTES);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** What was written since the last time. */
  take(): Buffer {
    const taken = this.#bytes.subarray(0, this.#size);
    this.#bytes = Buffer.allocUnsafe(FIRST_BYTES);
    this.#size = 0;
    return taken;
  }

  byte(value: number): this {
    this.#reserve(1);
    this.#bytes[this.#size++] = value;
    return this;
  }

  raw(bytes: Uint8Array): this {
    this.#reserve(bytes.length);
    for (let at = 0; at < bytes.length; at += 1) this.#bytes[this.#size++] = bytes[at] as number;
    return this;
  }

  text(text: string): void {
    this.#reserve(3 * text.length);
    this.#size += this.#bytes.write(text, this.#size);
  }

  /** An integer from 0 that a double holds. */
  integer(value: number): void {
    this.#reserve(16);
    if (value < BILLION) this.#digits(value | 0, 1);
    else {
      const high = Math.floor(value / BILLION);
      this.#digits(high | 0, 1);
      this.#digits((value - high * BILLION) | 0, 9);
    }
  }

  /** Bytes from `start` to `end` in base64, in quotes. */
  base64(source: Buffer, start: number, end: number): void {
    this.#reserve(Math.ceil((end - start) / 3) * 4 + 2);
    const out = this.#bytes;
    out[this.#size++] = QUOTE;
    if (end - start > SHORT_BYTES) this.#size += out.write(source.toString("base64", start, end), this.#size, "latin1");
    else this.#shortBase64(source, start, end);
    out[this.#size++] = QUOTE;
  }

  #shortBase64(source: Buffer, start: number, end: number): void {
    const out = this.#bytes;
    let size = this.#size;
    for (let at = start; at < end; at += 3) {
      const left = end - at;
      const bits = ((source[at] as number) << 16) | (left > 1 ? (source[at + 1] as number) << 8 : 0) | (left > 2 ? (source[at + 2] as number) : 0);
      out[size++] = DIGITS[bits >> 18] as number;
      out[size++] = DIGITS[(bits >> 12) & 63] as number;
      out[size++] = left > 1 ? (DIGITS[(bits >> 6) & 63] as number) : EQUALS;
      out[size++] = left > 2 ? (DIGITS[bits & 63] as number) : EQUALS;
    }
    this.#size = size;
  }

  /** Writes a number below 2^31 with at least so many digits. */
  #digits(value: number, least: number): void {
    let count = 1;
    for (let rest = (value / 10) | 0; rest > 0; rest = (rest / 10) | 0) count += 1;
    count = Math.max(count, least);
    let rest = value;
    for (let at = this.#size + count - 1; at >= this.#size; at -= 1) {
      this.#bytes[at] = ZERO + (rest % 10);
      rest = (rest / 10) | 0;
    }
    this.#size += count;
  }

  #reserve(bytes: number): void {
    if (this.#size + bytes <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(2 * (this.#size + bytes));
    this.#bytes.copy(larger, 0, 0, this.#size);
    this.#bytes = larger;
  }
}
