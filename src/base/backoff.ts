import type { Dice } from "./seeded-random.js";

/** How waiting grows. */
export interface BackoffOptions {
  readonly initialMs: number;
  readonly maxMs: number;
  /** Each wait is this many times the one before; 2 when absent. */
  readonly factor?: number;
  /** The share of a wait that chance may take off or add, in [0, 1]; 0 when absent, and without `dice`. */
  readonly jitter?: number;
  readonly dice?: Dice;
}

/** Exponential waiting with a cap. Example: initial 100, max 1000: 100, 200, 400, 800, 1000, 1000, ... */
export class Backoff {
  readonly #options: BackoffOptions;
  #attempts = 0;

  constructor(options: BackoffOptions) {
    this.#options = options;
  }

  /** How many waits were handed out since the last reset. */
  get attempts(): number {
    return this.#attempts;
  }

  /** The next wait in milliseconds; never above `maxMs`. */
  nextMs(): number {
    const { initialMs, maxMs, factor = 2, jitter = 0, dice } = this.#options;
    const baseMs = Math.min(maxMs, initialMs * factor ** this.#attempts);
    this.#attempts += 1;
    const sway = dice === undefined ? 0 : (dice.next() * 2 - 1) * jitter;
    return Math.min(maxMs, Math.max(0, baseMs * (1 + sway)));
  }

  /** Starts over: call it after a success. */
  reset(): void {
    this.#attempts = 0;
  }
}
