import type { Clock } from "../base/clock.js";

/** A controller that has waited this long for its own creations stops waiting (upstream's ExpectationsTimeout). */
const timeoutMs = 5 * 60_000;

interface Expected {
  readonly creations: Set<string>;
  readonly deletions: Set<string>;
  readonly sinceMs: number;
}

/**
 * What a controller has asked for and its informer has not shown yet. Acting before it is shown would ask twice: two workers, one slow
 * watch, and a ReplicaSet of 3 has 6 pods.
 *
 * Worked example: after creating a and b, `isFulfilled` is false; it is true when both were seen.
 */
export class Expectations {
  readonly #monotonic: Clock;
  readonly #byOwner = new Map<string, Expected>();

  constructor(monotonic: Clock) {
    this.#monotonic = monotonic;
  }

  expectCreation(owner: string, object: string): void {
    this.#of(owner).creations.add(object);
  }

  expectDeletion(owner: string, object: string): void {
    this.#of(owner).deletions.add(object);
  }

  /** The object was seen, or its creation failed. */
  creationSeen(owner: string, object: string): void {
    this.#byOwner.get(owner)?.creations.delete(object);
  }

  /** The object is gone or going, or its deletion failed. */
  deletionSeen(owner: string, object: string): void {
    this.#byOwner.get(owner)?.deletions.delete(object);
  }

  isFulfilled(owner: string): boolean {
    const expected = this.#byOwner.get(owner);
    if (expected === undefined) return true;
    const done = expected.creations.size === 0 && expected.deletions.size === 0;
    if (!done && this.#monotonic.nowMs() - expected.sinceMs < timeoutMs) return false;
    this.#byOwner.delete(owner);
    return true;
  }

  forget(owner: string): void {
    this.#byOwner.delete(owner);
  }

  #of(owner: string): Expected {
    let expected = this.#byOwner.get(owner);
    if (expected === undefined) {
      expected = { creations: new Set(), deletions: new Set(), sinceMs: this.#monotonic.nowMs() };
      this.#byOwner.set(owner, expected);
    }
    return expected;
  }
}
