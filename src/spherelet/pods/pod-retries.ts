import { Backoff } from "../../base/backoff.js";
import type { Clock } from "../../base/clock.js";
import type { Dice } from "../../base/seeded-random.js";

const INITIAL_MS = 100;
const MAX_MS = 10_000;
/** How a kubelet tries again what it could not mount. */
const VOLUMES_INITIAL_MS = 500;
const VOLUMES_MAX_MS = 122_000;

/**
 * When what failed of a pod is tried again. Volumes have a back-off of their own, in emulated time.
 *
 * Worked example: a pod names a ConfigMap that nobody makes. It is tried at 0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5, 63.5 and 127.5 s, then every 122 s.
 */
export class PodRetries {
  readonly #clocks: { readonly clock: Clock; readonly monotonic: Clock };
  readonly #backoff: Backoff;
  readonly #volumes = new Backoff({ initialMs: VOLUMES_INITIAL_MS, maxMs: VOLUMES_MAX_MS });
  #waitMs = 0;
  #wait: AbortController | undefined;
  /** Somebody had a reason before the wait began. */
  #hurried = false;

  constructor(clocks: { readonly clock: Clock; readonly monotonic: Clock }, dice: Dice) {
    this.#clocks = clocks;
    this.#backoff = new Backoff({ initialMs: INITIAL_MS, maxMs: MAX_MS, jitter: 0.2, dice });
  }

  /** Failures in a row. */
  get attempts(): number {
    return this.#backoff.attempts;
  }

  /** A try failed; how many in a row that makes. */
  failed(): number {
    this.#hurried = false;
    this.#waitMs = this.#backoff.nextMs();
    return this.attempts;
  }

  succeeded(): void {
    this.#backoff.reset();
    this.#volumes.reset();
  }

  /** Somebody has a reason to try now. */
  hurry(): void {
    this.#backoff.reset();
    this.#hurried = true;
    this.#wait?.abort();
  }

  /** Waits for the next try, which `hurry` and `signal` make earlier. `ofVolumes`: it is volumes that could not be made. */
  async wait(ofVolumes: boolean, signal: AbortSignal): Promise<void> {
    if (this.#hurried) return;
    const { clock, monotonic } = this.#clocks;
    const wait = new AbortController();
    this.#wait = wait;
    const enough = AbortSignal.any([signal, wait.signal]);
    await (ofVolumes ? clock.sleep(this.#volumes.nextMs(), enough) : monotonic.sleep(this.#waitMs, enough)).catch(() => undefined);
    this.#wait = undefined;
  }
}
