import { deferred } from "../../base/deferred.js";

/** Gives one piece of work at a time a key; others of the same key wait in the order they came. What waits is bounded by the requests the server takes. */
export class KeyTurns {
  readonly #last = new Map<string, Promise<void>>();

  async take<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key);
    const mine = deferred<void>();
    this.#last.set(key, mine.promise);
    if (before !== undefined) await before;
    try {
      return await work();
    } finally {
      if (this.#last.get(key) === mine.promise) this.#last.delete(key);
      mine.resolve();
    }
  }
}
