import { createHash } from "node:crypto";

/**
 * Random numbers that repeat with the seed (the generator sfc32, seeded with SHA-256 of the seed's text).
 *
 * `fork` makes an independent stream by name: what one consumer draws never shifts what another one gets.
 */
export class Dice {
  readonly #seed: string;
  #a: number;
  #b: number;
  #c: number;
  #counter: number;

  constructor(seed: number | string) {
    this.#seed = String(seed);
    const state = createHash("sha256").update(this.#seed).digest();
    this.#a = state.readInt32LE(0);
    this.#b = state.readInt32LE(4);
    this.#c = state.readInt32LE(8);
    this.#counter = state.readInt32LE(12);
  }

  /** The next 32 bits, unsigned. */
  #word(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** A fraction in [0, 1) with 53 random bits. */
  next(): number {
    return ((this.#word() >>> 5) * 2 ** 26 + (this.#word() >>> 6)) / 2 ** 53;
  }

  /** A whole number in [0, n). */
  int(n: number): number {
    if (!Number.isSafeInteger(n) || n < 1) throw new RangeError(`Dice.int needs a whole number from 1, not ${n}`);
    return Math.floor(this.next() * n);
  }

  /** `digits` lower-case hexadecimal digits. */
  hex(digits: number): string {
    let text = "";
    while (text.length < digits) text += this.#word().toString(16).padStart(8, "0");
    return text.slice(0, digits);
  }

  /** A UUID of version 4 (RFC 9562), in lower case. It is joined, not added up: a string that was added up keeps its parts in memory. */
  uuid(): string {
    const digits = this.hex(32);
    const variant = "89ab".charAt(Number.parseInt(digits.charAt(16), 16) & 3);
    return [digits.slice(0, 8), digits.slice(8, 12), `4${digits.slice(13, 16)}`, `${variant}${digits.slice(17, 20)}`, digits.slice(20)].join("-");
  }

  /** One element of a list that is not empty. */
  pick<T>(list: readonly T[]): T {
    if (list.length === 0) throw new RangeError("Dice.pick needs at least one element");
    return list[this.int(list.length)] as T;
  }

  /** The stream named `label`: always the same one, however much was drawn from this one before. */
  fork(label: string): Dice {
    return new Dice(`${this.#seed}/${label}`);
  }
}
