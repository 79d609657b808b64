/**
 * How long a controller has been able to hear. It is proven now and then that all that was said until then has arrived; the time between two
 * proofs counts for at most `mostMs`: where process, store or watch stood still for longer, nobody could be heard, and silence means nothing.
 *
 * Example: at most 1,000; proofs at 0, 200, 5,200 and 5,400. At 5,400 the controller has heard for 1,400 ms.
 */
export class HeardTime {
  readonly #mostMs: number;
  #heardMs = 0;
  #provenMs: number;

  /** Times are monotonic, in milliseconds; the first proof is now. */
  constructor(nowMs: number, mostMs: number) {
    this.#provenMs = nowMs;
    this.#mostMs = mostMs;
  }

  proven(nowMs: number): void {
    this.#heardMs = this.at(nowMs);
    this.#provenMs = nowMs;
  }

  /** What is heard by this moment if it is proven now. */
  at(nowMs: number): number {
    return this.#heardMs + Math.min(nowMs - this.#provenMs, this.#mostMs);
  }
}
