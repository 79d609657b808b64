import { nextTurn } from "../../base/clock.js";

/** Cuts long work on the main thread into stretches: after so many steps everything else that is ready has its turn. */
export class Stretches {
  readonly #most: number;
  #steps = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** Counts steps; something to wait for when a stretch is over. */
  step(count = 1): Promise<void> | undefined {
    this.#steps += count;
    if (this.#steps < this.#most) return undefined;
    this.#steps = 0;
    return nextTurn();
  }
}
