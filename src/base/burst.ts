import type { Clock } from "./clock.js";

/** So many things at once are still what comes now and then: the steps and events that half a dozen pods leave in one process. */
const FEW = 64;
/** A burst is over when nothing came for so long. */
const QUIET_MS = 250;
/** Nobody waits longer than this for the end of a burst. */
const MOST_MS = 3_000;

/**
 * Tells a burst of pods from pods that come now and then, so that what is written behind them (steps, events) stands back while many are on
 * their way. One rule: who writes behind goes at once, except in a burst, where it waits for 250 ms in which nothing came, and 3 s at most. It is
 * a burst after more than 64 things without such a pause.
 *
 * Who stops says so beforehand: all that joined hand on what they hold, and from then on nobody waits.
 *
 * Worked example with `few` 2: things at 0, 10 and 20 ms. Who waits since 20 ms has 250 ms to go, another thing at 50 ms makes it 280 ms in all;
 * should they never end, it goes at 3,020 ms.
 */
export class Burst {
  readonly #monotonic: Pick<Clock, "nowMs">;
  readonly #few: number;
  readonly #mostMs: number;
  /** Things that came without a pause between them. */
  #came = 0;
  #lastMs = Number.NEGATIVE_INFINITY;
  #over = false;
  readonly #holders = new Set<() => Promise<void>>();

  constructor(monotonic: Pick<Clock, "nowMs">, { few = FEW, mostMs = MOST_MS }: { readonly few?: number; readonly mostMs?: number } = {}) {
    this.#monotonic = monotonic;
    this.#few = few;
    this.#mostMs = mostMs;
  }

  /** Things came, one if not told otherwise; answers when (monotonic). */
  came(count = 1): number {
    const nowMs = this.#monotonic.nowMs();
    this.#came = nowMs - this.#lastMs < QUIET_MS ? this.#came + count : count;
    this.#lastMs = nowMs;
    return nowMs;
  }

  /** `handOn` is called when nobody is to wait any more, and resolves when all that was held is handed on; answers how to leave. */
  join(handOn: () => Promise<void>): () => void {
    this.#holders.add(handOn);
    return () => void this.#holders.delete(handOn);
  }

  /** Nobody waits from now on; resolves when those that joined have handed on what they held. */
  async end(): Promise<void> {
    this.#over = true;
    await Promise.all([...this.#holders].map((handOn) => handOn()));
  }

  /** How long one who waits since then has to wait yet, as far as can be told now; 0 when it may go. */
  waitMs(sinceMs: number): number {
    if (this.#over || this.#came <= this.#few) return 0;
    return Math.max(0, Math.min(this.#lastMs + QUIET_MS, sinceMs + this.#mostMs) - this.#monotonic.nowMs());
  }
}
