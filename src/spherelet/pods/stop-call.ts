/** The call under way that stops a pod's containers: it takes as long as their grace, and is made again where that became shorter or nobody hears it. */
export class StopCall {
  #present: { readonly graceSeconds: number; readonly abort: AbortController } | undefined;

  /** Makes the call; undefined when it was broken off. */
  async run<T>(graceSeconds: number, signal: AbortSignal, call: (signal: AbortSignal) => Promise<T>): Promise<{ readonly answer: T } | undefined> {
    const present = { graceSeconds, abort: new AbortController() };
    this.#present = present;
    try {
      return { answer: await call(AbortSignal.any([signal, present.abort.signal])) };
    } catch (error) {
      if (present.abort.signal.aborted) return undefined;
      throw error;
    } finally {
      this.#present = undefined;
    }
  }

  /** A second deletion may leave less time than the first. */
  shorten(graceSeconds: number): void {
    if (this.#present !== undefined && graceSeconds < this.#present.graceSeconds) this.breakOff();
  }

  breakOff(): void {
    this.#present?.abort.abort();
  }
}
