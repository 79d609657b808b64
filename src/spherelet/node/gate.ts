import { type Deferred, deferred } from "../../base/deferred.js";

/** Lets so many run at once; the others wait in the order they came. What waits is bounded by who can come: one a pod. */
export class Gate {
  readonly #limit: number;
  #running = 0;
  readonly #waiting = new Set<Deferred<void>>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Rejects with the reason of `signal`, where there is one, when that aborts before there is a place. */
  async run<R>(work: () => Promise<R>, signal?: AbortSignal): Promise<R> {
    signal?.throwIfAborted();
    if (this.#running >= this.#limit) await this.#wait(signal);
    else this.#running += 1;
    try {
      return await work();
    } finally {
      const [next] = this.#waiting;
      // The place is handed on without becoming free.
      if (next === undefined) this.#running -= 1;
      else {
        this.#waiting.delete(next);
        next.resolve();
      }
    }
  }

  async #wait(signal: AbortSignal | undefined): Promise<void> {
    const place = deferred<void>();
    this.#waiting.add(place);
    // Who has a place by then keeps it, and gives it back.
    const onAbort = (): void => {
      if (this.#waiting.delete(place)) place.reject(signal?.reason as Error);
    };
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      await place.promise;
    } finally {
      signal?.removeEventListener("abort", onAbort);
    }
  }
}
