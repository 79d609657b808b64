/**
 * Numbers handed out one at a time and taken back: addresses of a range. Goes round, so that an address given back rests
 * as long as possible before somebody else gets it.
 *
 * Example with size 3: take 0, take 1, give 0 back, take 2, take 0; then it is empty.
 */
export class NumberPool {
  readonly #size: number;
  readonly #taken = new Set<number>();
  #next = 0;

  constructor(size: number) {
    this.#size = size;
  }

  get free(): number {
    return this.#size - this.#taken.size;
  }

  /** The next free number; undefined when there is none. */
  take(): number | undefined {
    if (this.free <= 0) return undefined;
    while (this.#taken.has(this.#next)) this.#next = (this.#next + 1) % this.#size;
    const number = this.#next;
    this.#taken.add(number);
    this.#next = (number + 1) % this.#size;
    return number;
  }

  /** Marks a number found in use, as after a restart; numbers outside the range are no matter. */
  reserve(number: number): void {
    if (number < 0 || number >= this.#size || this.#taken.has(number)) return;
    this.#taken.add(number);
    if (number >= this.#next) this.#next = (number + 1) % this.#size;
  }

  release(number: number): void {
    this.#taken.delete(number);
  }
}
