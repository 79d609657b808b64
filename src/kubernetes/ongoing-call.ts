import type { Clock, Timer } from "../base/clock.js";
import { transportError } from "./status.js";

/** What may end a call before its answer. */
export interface OngoingCallOptions {
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** What the call is ended for at its deadline. */
  readonly late: () => Error;
  readonly signal: AbortSignal | undefined;
}

/**
 * A call under way, over all its attempts: it ends at its deadline, when its caller's signal aborts, or when the client closes. An AbortController
 * of its own for each call would cost more than all the rest that is done for a call here.
 */
export class OngoingCall {
  /** Hears the reason, once, of whoever ends the call early; one listener at a time: whoever waits now. */
  onEnd: ((reason: Error) => void) | undefined;
  readonly #deadline: Timer;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort: (() => void) | undefined;
  #reason: Error | undefined;

  constructor({ clock, timeoutMs, late, signal }: OngoingCallOptions) {
    this.#deadline = clock.timer(timeoutMs, () => this.end(late()));
    this.#signal = signal;
    if (signal === undefined) return;
    this.#onAbort = () => this.end(reasonOf(signal));
    if (signal.aborted) this.#onAbort();
    else signal.addEventListener("abort", this.#onAbort, { once: true });
  }

  /** Whether it was ended early. */
  get ended(): boolean {
    return this.#reason !== undefined;
  }

  throwIfEnded(): void {
    if (this.#reason !== undefined) throw this.#reason;
  }

  /** Ends the call early; the first reason counts. */
  end(reason: Error): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.onEnd?.(reason);
  }

  /** Waits between two attempts; rejects as soon as the call is ended. */
  async sleep(clock: Clock, ms: number): Promise<void> {
    this.throwIfEnded();
    const abort = new AbortController();
    this.onEnd = (reason) => abort.abort(reason);
    await clock.sleep(ms, abort.signal);
  }

  /** The call is over, answered or not: nothing of it stays behind. */
  finish(): void {
    this.onEnd = undefined;
    this.#deadline.cancel();
    if (this.#onAbort !== undefined) this.#signal?.removeEventListener("abort", this.#onAbort);
  }
}

function reasonOf({ reason }: AbortSignal): Error {
  return reason instanceof Error ? reason : transportError("the call was aborted", reason);
}
