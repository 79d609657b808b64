/**
 * Lets at most so many pieces of work run at a time; the others wait in line. The line has no limit of its own: what takes turns is one
 * piece a host, or one a VM, of a bounded inventory.
 */
export class Turns {
  readonly #most: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** Whether nothing runs or waits. */
  get idle(): boolean {
    return this.#running === 0;
  }

  /** `signal` leaves the line with its reason. */
  async take<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    if (this.#running >= this.#most) await this.#queue(signal);
    else this.#running += 1;
    try {
      return await work();
    } finally {
      // The place goes to the next in line, if there is one.
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }

  #queue(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const go = (): void => {
        signal?.removeEventListener("abort", leave);
        resolve();
      };
      const refuse = (): void => reject(signal?.reason instanceof Error ? signal.reason : new Error(String(signal?.reason)));
      const leave = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(go), 1);
        refuse();
      };
      if (signal?.aborted === true) return refuse();
      signal?.addEventListener("abort", leave, { once: true });
      this.#waiting.push(go);
    });
  }
}
