const INITIAL_MS = 10_000;
const MAX_MS = 300_000;
/** What ran so long is forgiven. */
const FORGIVEN_MS = 2 * MAX_MS;

/**
 * How long a container that ended (or a VM whose guest died) waits for its restart, as a kubelet counts: the first restart comes at once,
 * then 10 s, doubling to 300 s, all over again after 10 minutes of running. Emulated time.
 *
 * Worked example, one that ends at once: waits of 0, 10, 20, 40, 80, 160, 300, 300 s.
 */
export class CrashBackoff {
  #waitMs = 0;
  #restartedMs = 0;

  /** The wait for what ended at `endedMs`. */
  waitMs(endedMs: number): number {
    if (this.#waitMs > 0 && endedMs - this.#restartedMs > FORGIVEN_MS) this.#waitMs = 0;
    return this.#waitMs;
  }

  /** It is started again now. */
  restarted(nowMs: number): void {
    this.#waitMs = this.#waitMs === 0 ? INITIAL_MS : Math.min(MAX_MS, this.#waitMs * 2);
    this.#restartedMs = nowMs;
  }
}
