import { ApiError } from "./status.js";

/** Lets a bounded number of calls run at once and a bounded number wait; more are refused as 429 without being sent. */
export class RequestGate {
  readonly #maxRunning: number;
  readonly #maxWaiting: number;
  #running = 0;
  #waiting: ((() => void) | undefined)[] = [];
  #head = 0;
  #waitingCount = 0;

  constructor(maxRunning: number, maxWaiting: number) {
    this.#maxRunning = maxRunning;
    this.#maxWaiting = maxWaiting;
  }

  /** Runs `call` as soon as there is room; calls start in the order they came. */
  async run<R>(call: () => Promise<R>, signal?: AbortSignal): Promise<R> {
    if (this.#running >= this.#maxRunning) await this.#wait(signal);
    else this.#running += 1;
    try {
      return await call();
    } finally {
      this.#leave();
    }
  }

  #wait(signal: AbortSignal | undefined): Promise<void> {
    if (this.#waitingCount >= this.#maxWaiting) {
      throw new ApiError({ status: "Failure", reason: "TooManyRequests", code: 429, message: `the client already has ${this.#maxWaiting} calls waiting` });
    }
    signal?.throwIfAborted();
    return new Promise((resolve, reject) => {
      const at = this.#waiting.length;
      const waiting = this.#waiting;
      const onAbort = (): void => {
        const here = waiting === this.#waiting ? at : this.#waiting.indexOf(enter);
        if (here >= 0 && this.#waiting[here] === enter) {
          this.#waiting[here] = undefined;
          this.#waitingCount -= 1;
        }
        reject(signal?.reason instanceof Error ? signal.reason : new Error("aborted"));
      };
      const enter = (): void => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      };
      this.#waiting.push(enter);
      this.#waitingCount += 1;
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  /** Hands the place on to the next one waiting, if any. */
  #leave(): void {
    while (this.#head < this.#waiting.length) {
      const enter = this.#waiting[this.#head];
      this.#head += 1;
      if (this.#head > 1024) {
        this.#waiting = this.#waiting.slice(this.#head);
        this.#head = 0;
      }
      if (enter !== undefined) {
        this.#waitingCount -= 1;
        enter();
        return;
      }
    }
    this.#waiting = [];
    this.#head = 0;
    this.#running -= 1;
  }
}
