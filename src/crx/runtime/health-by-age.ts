import type { Clock, Timer } from "../../base/clock.js";
import type { Health } from "./image-profiles.js";

/**
 * How far a container has come on the way that its profile lays out: started, ready, unready, sick. Counted by timers, so that a clock that
 * is set while it runs makes it neither older nor younger.
 *
 * Worked example: ready-after 5 s; `hasPassed(5_000)` from the fifth second on, whatever the clock shows by then. What never comes is
 * Infinity, what is there from the start 0: neither takes a timer.
 */
export class HealthByAge {
  readonly #passed = new Set<number>();
  readonly #timers: Timer[] = [];

  constructor(clock: Clock, { startedAfterMs, readyAfterMs, unreadyAfterMs, livenessFailsAfterMs }: Health) {
    for (const ageMs of new Set([startedAfterMs, readyAfterMs, unreadyAfterMs, livenessFailsAfterMs])) {
      if (ageMs > 0 && ageMs !== Number.POSITIVE_INFINITY) this.#timers.push(clock.timer(ageMs, () => void this.#passed.add(ageMs)));
    }
  }

  /** Whether the container is as old as that, one of its profile's four ages. */
  hasPassed(ageMs: number): boolean {
    return ageMs <= 0 || this.#passed.has(ageMs);
  }

  end(): void {
    for (const timer of this.#timers) timer.cancel();
  }
}
