import type { Clock, Timer } from "../../base/clock.js";

/** Changes are looked at together, so often at the most. */
const PAUSE_MS = 100;

/**
 * Collects the keys of what changes, and hands them over together a moment after the first: what is reckoned from many changes is reckoned
 * once for all of them. A key is kept once however often it changes, so there are never more than there are objects.
 */
export class ChangeDigest {
  readonly #monotonic: Clock;
  readonly #take: (keys: ReadonlySet<string>) => void;
  #keys = new Set<string>();
  #timer: Timer | undefined;
  #closed = false;

  /** `take` is handed the keys that changed since it was last called. */
  constructor(monotonic: Clock, take: (keys: ReadonlySet<string>) => void) {
    this.#monotonic = monotonic;
    this.#take = take;
  }

  add(key: string): void {
    this.#keys.add(key);
    if (!this.#closed) this.#timer ??= this.#monotonic.timer(PAUSE_MS, () => this.#flush());
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  #flush(): void {
    this.#timer = undefined;
    const keys = this.#keys;
    this.#keys = new Set();
    this.#take(keys);
  }
}
