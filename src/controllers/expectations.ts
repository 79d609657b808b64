import type { Clock } from "../base/clock.js";

/** Expectations nobody fulfilled for so long are given up: a watch event was missed, and the next look tells the truth. */
const EXPIRY_MS = 5 * 60_000;

interface Expectation {
  creations: number;
  readonly deletions: Set<string>;
  readonly sinceMs: number;
}

/**
 * What a controller has done and not yet seen through its watch. Until then its copy of the pods is out of date, and
 * counting on it would create or delete twice.
 *
 * Example: create 3 pods -> expectCreations("ns/rs", 3); each pod seen -> created("ns/rs"); after the third, isMet is true.
 */
export class Expectations {
  readonly #monotonic: Clock;
  readonly #open = new Map<string, Expectation>();

  constructor(monotonic: Clock) {
    this.#monotonic = monotonic;
  }

  expectCreations(key: string, count: number): void {
    this.#of(key).creations += count;
  }

  expectDeletions(key: string, uids: readonly string[]): void {
    const { deletions } = this.#of(key);
    for (const uid of uids) deletions.add(uid);
  }

  /** One creation was seen, or has failed and will not be. */
  created(key: string): void {
    const expectation = this.#open.get(key);
    if (expectation !== undefined) expectation.creations -= 1;
  }

  /** A deletion was seen, or has failed and will not be. */
  deleted(key: string, uid: string): void {
    this.#open.get(key)?.deletions.delete(uid);
  }

  isMet(key: string): boolean {
    const expectation = this.#open.get(key);
    if (expectation === undefined) return true;
    const isFulfilled = expectation.creations <= 0 && expectation.deletions.size === 0;
    const isExpired = this.#monotonic.nowMs() - expectation.sinceMs > EXPIRY_MS;
    if (isFulfilled || isExpired) this.#open.delete(key);
    return isFulfilled || isExpired;
  }

  /** The controller's object is gone. */
  forget(key: string): void {
    this.#open.delete(key);
  }

  #of(key: string): Expectation {
    let expectation = this.#open.get(key);
    if (expectation === undefined) {
      expectation = { creations: 0, deletions: new Set(), sinceMs: this.#monotonic.nowMs() };
      this.#open.set(key, expectation);
    }
    return expectation;
  }
}
