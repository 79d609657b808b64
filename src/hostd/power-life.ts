import type { Clock } from "../base/clock.js";
import { deferred, type Deferred } from "../base/deferred.js";
import { timedout, type HostFault } from "./host-fault.js";

/** A word of the guest that an operation waits for. */
export type GuestWord = "init waiting" | "agent ready";

/** One life of a VM, from power-on to power-off: what the operations on it wait for, all cut short when it ends. */
export class PowerLife {
  readonly #ended = new AbortController();
  #waiting = new Map<GuestWord, Deferred<void>>();
  /** Whether the machine process was told to run the kernel. */
  booted = false;
  /** When its guest beat last, in time of GuestHeartbeats; undefined before it looked. */
  lastBeatMs: number | undefined;

  /** Aborts with a HostFault when the power goes. */
  get signal(): AbortSignal {
    return this.#ended.signal;
  }

  /** The guest said it. */
  heard(word: GuestWord): void {
    this.#waiting.get(word)?.resolve();
    this.#waiting.delete(word);
  }

  /** Waits for a word of the guest; Timedout after `limitMs` of emulated time. */
  async until(word: GuestWord, clock: Clock, limitMs: number): Promise<void> {
    const heard = this.#waiting.get(word) ?? deferred<void>();
    this.#waiting.set(word, heard);
    await this.within(heard.promise, clock, limitMs, `no ${word} from the guest within ${limitMs} ms`);
  }

  /** Waits for `promise`, at most `limitMs` and at most for this life. */
  async within(promise: Promise<void>, clock: Clock, limitMs: number, what: string): Promise<void> {
    this.signal.throwIfAborted();
    const over = deferred<void>();
    const onEnd = (): void => over.reject(this.signal.reason as HostFault);
    const timer = clock.timer(limitMs, () => over.reject(timedout(what)));
    this.signal.addEventListener("abort", onEnd, { once: true });
    try {
      await Promise.race([promise, over.promise]);
    } finally {
      timer.cancel();
      this.signal.removeEventListener("abort", onEnd);
    }
  }

  /** The guest starts over: operations that wait for its words fail with `fault`, the life goes on. */
  restart(fault: HostFault): void {
    for (const waiting of this.#waiting.values()) waiting.reject(fault);
    this.#waiting = new Map();
    this.lastBeatMs = undefined;
  }

  /** The power is gone. */
  end(fault: HostFault): void {
    this.#ended.abort(fault);
  }
}
