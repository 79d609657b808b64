import type { Clock, Timer } from "../../base/clock.js";
import { type Deferred, deferred } from "../../base/deferred.js";

/** A container gets so long between TERM and KILL, however little is left (a kubelet's minimum). */
const SHORTEST_TERM_MS = 2_000;

/**
 * What is left of the time that containers have to end in; it can become shorter, never longer. Emulated, and counted by timers alone: a
 * clock that is set meanwhile neither takes from it nor gives to it.
 *
 * Worked example: 30 s of grace of which a preStop hook took 29.5 s leave 2 s from TERM to KILL. 0 s of grace kill at once.
 */
export class GracePeriod {
  readonly #clock: Clock;
  readonly #over: Deferred<void> = deferred();
  readonly #atOnce: Deferred<void> = deferred();
  /** One for each word that asked for less than all before it; the first to fire counts. */
  readonly #timers: Timer[] = [];
  #shortestMs = Number.POSITIVE_INFINITY;
  #isOver = false;

  constructor(clock: Clock, ms: number) {
    this.#clock = clock;
    this.shorten(ms);
  }

  /** Whether nothing is left. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Resolves when nothing is left. */
  get over(): Promise<void> {
    return this.#over.promise;
  }

  /** From now on; longer than what is left changes nothing. 0 leaves not even the least time that TERM has. */
  shorten(ms: number): void {
    if (ms <= 0) this.#atOnce.resolve();
    if (ms >= this.#shortestMs) return;
    this.#shortestMs = ms;
    if (ms <= 0) this.#end();
    else this.#timers.push(this.#clock.timer(ms, () => this.#end()));
  }

  /** Resolves when what got TERM now is to get KILL; `signal` aborts when it has ended before. */
  async untilKill(signal: AbortSignal): Promise<void> {
    const aborted = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
    const least = this.#clock.sleep(SHORTEST_TERM_MS, signal).catch(() => undefined);
    await Promise.race([this.#atOnce.promise, aborted, Promise.all([this.over, least])]);
  }

  /** Nobody waits any more. */
  end(): void {
    for (const timer of this.#timers) timer.cancel();
  }

  #end(): void {
    this.#isOver = true;
    this.end();
    this.#over.resolve();
  }
}
