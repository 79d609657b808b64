import { deferred } from "../../base/deferred.js";

/**
 * Containers of one pod are started one at a time, each with its postStart hook, in the order in which they ask: a kubelet's pod worker
 * does one thing after the other (kuberuntime SyncPod), also when they are started again. One place a container may wait at most.
 *
 * Worked example: a has a hook of 5 s, b has none. Both ask at 0 s: a is created at 0 s, b at 5 s.
 */
export class StartTurns {
  #last: Promise<void> = Promise.resolve();

  /** Runs `start` when its turn has come; undefined when `signal` aborted before that. The turn lasts as long as `start` does. */
  async take<T>(signal: AbortSignal, start: () => Promise<T>): Promise<T | undefined> {
    const before = this.#last;
    const over = deferred<void>();
    // Who gives up while it waits must not let those behind it pass those before it.
    this.#last = before.then(() => over.promise);
    try {
      const aborted = deferred<void>();
      const onAbort = (): void => aborted.resolve();
      signal.addEventListener("abort", onAbort, { once: true });
      await Promise.race([before, aborted.promise]);
      signal.removeEventListener("abort", onAbort);
      return signal.aborted ? undefined : await start();
    } finally {
      over.resolve();
    }
  }
}
