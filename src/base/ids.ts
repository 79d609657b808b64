import { randomBytes, randomInt, randomUUID } from "node:crypto";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Whether the text has the shape of a UUID in lower case. */
export function isUuid(text: string): boolean {
  return UUID.test(text);
}

/**
 * Hands out managed object ids as vCenter does: a type's prefix and a number that only grows.
 *
 * Example: prefix `host`, start 21: `host-21`, `host-22`.
 */
export class MoidCounter {
  readonly #prefix: string;
  #next: number;

  constructor(prefix: string, start = 1) {
    this.#prefix = prefix;
    this.#next = start;
  }

  next(): string {
    const moid = `${this.#prefix}-${this.#next}`;
    this.#next += 1;
    return moid;
  }

  /** Makes sure that `moid`, read from storage, is not handed out again; ids of other prefixes are no matter. */
  taken(moid: string): void {
    const number = Number(moid.startsWith(`${this.#prefix}-`) ? moid.slice(this.#prefix.length + 1) : Number.NaN);
    if (Number.isSafeInteger(number) && number >= this.#next) this.#next = number + 1;
  }
}

/** Hexadecimal digits nobody can foresee: for tokens and boot ids, never for what a seed should repeat. */
export function secretHex(bytes: number): string {
  return randomBytes(bytes).toString("hex");
}

/** A UUID nobody can foresee: for what must differ between two processes of the same seed, such as a boot id. */
export function secretUuid(): string {
  return randomUUID();
}

const LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

/** Letters of both cases nobody can foresee: for tokens that must be letters. */
export function secretLetters(count: number): string {
  return Array.from({ length: count }, () => LETTERS.charAt(randomInt(LETTERS.length))).join("");
}
