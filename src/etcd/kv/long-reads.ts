import { nextTurn } from "../../base/clock.js";
import type { Slices } from "../../base/slices.js";

/** Who waits for a read. Asked for its signal only when a read is long: to make one is as dear as a short read. */
export interface Waiting {
  readonly signal: AbortSignal;
}

/**
 * Reads that are too long for one stretch. A short one is done at once. Of the long ones, however many there are, one does one slice a
 * turn, in the order in which they asked, so that whoever else waits never waits for more than a slice.
 *
 * Example: A of four slices, then B of two: A's first and B's first at once, then, a turn each, A, B, A, A.
 */
export class LongReads {
  #lastTurn: Promise<void> = Promise.resolve();

  /** What the work makes; a promise of it if that takes more than one slice. Ends early with the reason of the caller's signal. */
  run<T>(work: Slices<T>, caller: Waiting): T | Promise<T> {
    const slice = work.next();
    return slice.done === true ? slice.value : this.#rest(work, caller.signal);
  }

  async #rest<T>(work: Slices<T>, signal: AbortSignal): Promise<T> {
    try {
      for (;;) {
        await (this.#lastTurn = this.#lastTurn.then(nextTurn));
        signal.throwIfAborted();
        const slice = work.next();
        if (slice.done === true) return slice.value;
      }
    } finally {
      // What it holds is let go of, whatever ended it.
      work.return(undefined as T);
    }
  }
}
