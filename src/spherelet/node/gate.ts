/** Lets so many run at once; the others wait in the order they came. What waits is bounded by who can come: one a pod. */
export class Gate {
  readonly #limit: number;
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  async run<R>(work: () => Promise<R>): Promise<R> {
    if (this.#running >= this.#limit) await new Promise<void>((enter) => void this.#waiting.push(enter));
    else this.#running += 1;
    try {
      return await work();
    } finally {
      const enter = this.#waiting.shift();
      // The place is handed on without becoming free.
      if (enter === undefined) this.#running -= 1;
      else enter();
    }
  }
}
