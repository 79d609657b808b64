import type { Clock, Timer } from "../base/clock.js";
import type { GuestFate } from "../kubernetes/guest-annotations.js";

/** What can befall a guest. */
export interface Fated {
  die(reason: string): void;
  hang(): void;
  wake(): void;
}

/** Lets a guest meet its fate at the right moments of emulated time, until it is cancelled. A hang that comes again comes once. */
export class GuestTimers {
  readonly #clock: Clock;
  readonly #timers: Timer[] = [];

  constructor(clock: Clock, fate: GuestFate, guest: Fated) {
    this.#clock = clock;
    this.#at(fate.panicsAfterMs, () => guest.die("Kernel panic - not syncing: asked for by annotation spheresim.dev/guest-panics-after"));
    this.#at(fate.hangsAfterMs, () => guest.hang());
    this.#at(fate.hangsAfterMs + fate.hangsForMs, () => guest.wake());
  }

  cancel(): void {
    for (const timer of this.#timers.splice(0)) timer.cancel();
  }

  #at(ms: number, act: () => void): void {
    if (Number.isFinite(ms)) this.#timers.push(this.#clock.timer(ms, act));
  }
}
