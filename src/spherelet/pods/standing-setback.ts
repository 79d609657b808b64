import type { Clock, Timer } from "../../base/clock.js";
import { podSyncMs } from "../../base/pod-sync-period.js";
import type { Dice } from "../../base/seeded-random.js";
import type { Setback } from "./pod-setback.js";

/**
 * What keeps a pod from starting now. What no further try can help is not tried again, but told again, as often as a kubelet, which does try,
 * tells of it.
 */
export class StandingSetback {
  /** Emulated. */
  readonly #clock: Clock;
  readonly #dice: Dice;
  #now: Setback | undefined;
  #timer: Timer | undefined;

  constructor(clock: Clock, dice: Dice) {
    this.#clock = clock;
    this.#dice = dice;
  }

  get now(): Setback | undefined {
    return this.#now;
  }

  get lasts(): boolean {
    return this.#now?.lasting === true;
  }

  /** It stands from now on, and was told; `tell` tells it again. */
  stand(setback: Setback, tell: () => void): void {
    this.clear();
    this.#now = setback;
    if (setback.toldAgain === true) this.#tellLater(tell);
  }

  clear(): void {
    this.#now = undefined;
    this.silence();
  }

  /** Nobody is to be told of it any more. */
  silence(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #tellLater(tell: () => void): void {
    this.#timer = this.#clock.timer(podSyncMs(this.#dice), () => {
      tell();
      this.#tellLater(tell);
    });
  }
}
