import type { Clock } from "./clock.js";

/** So long a stretch of the main thread may be before all else has its turn; what was begun by then is finished first. */
const MOST_MS = 2;

/**
 * Tells work in slices (slices.ts) when to pause, by the clock: what a step costs depends on what it is asked for. On a clock that stands still
 * there is no pause.
 *
 * Example: `if (pace.isOver) { yield; pace.begin(); }` after each step.
 */
export class Pace {
  readonly #monotonic: Pick<Clock, "nowMs">;
  readonly #mostMs: number;
  #fromMs: number;
  #stretch = 0;

  /** The first stretch begins now. */
  constructor(monotonic: Pick<Clock, "nowMs">, mostMs = MOST_MS) {
    this.#monotonic = monotonic;
    this.#mostMs = mostMs;
    this.#fromMs = monotonic.nowMs();
  }

  /** The number of this stretch, from 0: who finds another one than before knows that something else ran meanwhile. */
  get stretch(): number {
    return this.#stretch;
  }

  /** Whether it is time to pause. */
  get isOver(): boolean {
    return this.#monotonic.nowMs() - this.#fromMs >= this.#mostMs;
  }

  /** A new stretch begins, after a pause. */
  begin(): void {
    this.#stretch += 1;
    this.#fromMs = this.#monotonic.nowMs();
  }
}
