import { setTimeout as startTimer, clearTimeout as stopTimer, setImmediate as soon } from "node:timers";

/** A timer that has not fired yet. */
export interface Timer {
  /** Stops the timer; harmless after it fired. */
  cancel(): void;
}

/** The only way to read time or to wait: handed to everything that does either, so that tests can own time. */
export interface Clock {
  /** Milliseconds, with fractions. Since an arbitrary start on a monotonic clock, since 1970 on a wall clock. */
  nowMs(): number;
  /** Resolves after `ms`; rejects with the signal's reason as soon as `signal` aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls `fire` once after `ms` unless cancelled before. */
  timer(ms: number, fire: () => void): Timer;
}

/** setTimeout takes a signed 32-bit count and fires at once beyond it; longer waits are made of several. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

class SystemClock implements Clock {
  readonly nowMs: () => number;

  constructor(nowMs: () => number) {
    this.nowMs = nowMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, ms, signal);
  }

  timer(ms: number, fire: () => void): Timer {
    let left = Math.max(0, ms);
    const next = (): ReturnType<typeof startTimer> => {
      const turn = Math.min(left, LONGEST_TIMER_MS);
      return startTimer(() => {
        left -= turn;
        if (left > 0) running = next();
        else fire();
      }, turn);
    };
    let running = next();
    return { cancel: () => stopTimer(running) };
  }
}

function sleepOn(clock: Clock, ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(asError(signal.reason));
      return;
    }
    const onAbort = (): void => {
      timer.cancel();
      reject(asError(signal?.reason));
    };
    const timer = clock.timer(ms, () => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    });
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}

const monotonic = new SystemClock(() => performance.now());
const wall = new SystemClock(() => Date.now());

/** Never goes back: for deadlines, holds, retries and etcd leases. */
export function monotonicClock(): Clock {
  return monotonic;
}

/** Milliseconds since 1970: for log lines and for the base of the emulated clock. */
export function wallClock(): Clock {
  return wall;
}

interface ManualTimer extends Timer {
  readonly dueMs: number;
  readonly fire: () => void;
}

/**
 * A clock that stands still until told otherwise.
 *
 * Example: timers at 10 and 30; `await advance(20)` fires the first at nowMs() = 10 and returns at nowMs() = 20. After `jump(3_600_000)` it shows
 * 3600020, and the second timer still fires after 10 more.
 */
export class ManualClock implements Clock {
  #nowMs: number;
  #jumpedMs = 0;
  readonly #timers = new Set<ManualTimer>();

  constructor(startMs = 0) {
    this.#nowMs = startMs;
  }

  nowMs(): number {
    return this.#nowMs + this.#jumpedMs;
  }

  /** Somebody sets the clock, forward or (negative) back: what waits has as long to wait as before, as with a wall clock that is put right. */
  jump(ms: number): void {
    this.#jumpedMs += ms;
  }

  /** How many timers and sleeps wait. */
  get waiting(): number {
    return this.#timers.size;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, ms, signal);
  }

  timer(ms: number, fire: () => void): Timer {
    const timer: ManualTimer = {
      dueMs: this.#nowMs + Math.max(0, ms),
      fire,
      cancel: () => void this.#timers.delete(timer),
    };
    this.#timers.add(timer);
    return timer;
  }

  /**
   * Moves time on by `ms`. Timers fire in the order they are due, each at its own time, and everything a timer sets off
   * (promises, socket events that are ready) runs before the next one; timers made meanwhile fire too when they are due.
   */
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    await nextTurn();
    for (let due = this.#nextDue(endMs); due !== undefined; due = this.#nextDue(endMs)) {
      this.#timers.delete(due);
      this.#nowMs = Math.max(this.#nowMs, due.dueMs);
      due.fire();
      await nextTurn();
    }
    this.#nowMs = Math.max(this.#nowMs, endMs);
  }

  #nextDue(endMs: number): ManualTimer | undefined {
    let first: ManualTimer | undefined;
    for (const timer of this.#timers) if (timer.dueMs <= endMs && (first === undefined || timer.dueMs < first.dueMs)) first = timer;
    return first;
  }
}

/** Resolves after everything that is ready now has run. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => void soon(resolve));
}
