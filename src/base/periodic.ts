import type { Clock } from "./clock.js";

/** Does the same work over and over, a pause before each turn, until it is closed; a turn that fails is told and the next one comes. */
export class Periodic {
  readonly #options: { readonly everyMs: number; readonly clock: Clock; readonly work: () => Promise<unknown>; readonly failed: (error: unknown) => void };
  readonly #abort = new AbortController();
  #running: Promise<void> | undefined;

  /** `clock` is the monotonic one. */
  constructor(options: { readonly everyMs: number; readonly clock: Clock; readonly work: () => Promise<unknown>; readonly failed: (error: unknown) => void }) {
    this.#options = options;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Resolves when the turn under way has ended. */
  async close(): Promise<void> {
    this.#abort.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { everyMs, clock, work, failed } = this.#options;
    const { signal } = this.#abort;
    for (;;) {
      await clock.sleep(everyMs, signal).catch(() => undefined);
      if (signal.aborted) return;
      await work().catch(failed);
    }
  }
}
