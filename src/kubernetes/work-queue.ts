import { Backoff } from "../base/backoff.js";
import type { Clock, Timer } from "../base/clock.js";
import type { Logger } from "../base/log.js";
import { reportFailure } from "./retry-report.js";

export interface WorkQueueOptions {
  /** Monotonic. */
  readonly clock: Clock;
  readonly log: Logger;
  /** Names the queue in log lines. */
  readonly name: string;
  /** Keys worked on at the same time; one key never twice at once. */
  readonly workers?: number;
  /** Does the work of one key. When it fails the key comes again after a back-off. */
  work(key: string): Promise<void>;
}

const INITIAL_RETRY_MS = 5;
const MAX_RETRY_MS = 30_000;

/**
 * The queue of a controller: keys, each at most once, so its length is bounded by the objects there are. A key added while
 * it is worked on comes again afterwards; a failed one after 5 ms, 10 ms ... 30 s.
 */
export class WorkQueue {
  readonly #options: WorkQueueOptions;
  readonly #ready = new Set<string>();
  readonly #working = new Set<string>();
  readonly #again = new Set<string>();
  readonly #later = new Map<string, { readonly dueMs: number; readonly timer: Timer }>();
  readonly #failures = new Map<string, Backoff>();
  #running = false;
  #closed = false;
  #idle: (() => void)[] = [];

  constructor(options: WorkQueueOptions) {
    this.#options = options;
  }

  /** Keys that wait, are worked on or come later. */
  get size(): number {
    return this.#ready.size + this.#working.size + this.#later.size;
  }

  /** Lets work begin; keys may be added before. */
  start(): void {
    this.#running = true;
    this.#pump();
  }

  add(key: string): void {
    if (this.#closed) return;
    if (this.#working.has(key)) this.#again.add(key);
    else this.#ready.add(key);
    this.#pump();
  }

  /** Adds the key after `ms`, unless an earlier moment is already set for it. */
  addAfter(key: string, ms: number): void {
    if (this.#closed) return;
    if (ms <= 0) {
      this.add(key);
      return;
    }
    const dueMs = this.#options.clock.nowMs() + ms;
    const known = this.#later.get(key);
    if (known !== undefined && known.dueMs <= dueMs) return;
    known?.timer.cancel();
    const timer = this.#options.clock.timer(ms, () => {
      this.#later.delete(key);
      this.add(key);
    });
    this.#later.set(key, { dueMs, timer });
  }

  /** Stops; resolves when the work in hand has ended. */
  close(): Promise<void> {
    this.#closed = true;
    this.#ready.clear();
    this.#again.clear();
    for (const { timer } of this.#later.values()) timer.cancel();
    this.#later.clear();
    return this.#working.size === 0 ? Promise.resolve() : new Promise((resolve) => void this.#idle.push(resolve));
  }

  #pump(): void {
    if (!this.#running) return;
    const workers = this.#options.workers ?? 4;
    for (const key of this.#ready) {
      if (this.#working.size >= workers || this.#closed) return;
      this.#ready.delete(key);
      this.#working.add(key);
      void this.#work(key);
    }
  }

  async #work(key: string): Promise<void> {
    try {
      await this.#options.work(key);
      this.#failures.delete(key);
    } catch (error) {
      if (!this.#closed) {
        const backoff = this.#failures.get(key) ?? new Backoff({ initialMs: INITIAL_RETRY_MS, maxMs: MAX_RETRY_MS });
        this.#failures.set(key, backoff);
        const attempts = backoff.attempts + 1;
        reportFailure(this.#options.log, error, attempts, { key, queue: this.#options.name, attempts }, "work failed, will try again");
        this.addAfter(key, backoff.nextMs());
      }
    }
    this.#working.delete(key);
    if (this.#again.delete(key) && !this.#closed) this.#ready.add(key);
    if (this.#closed && this.#working.size === 0) {
      for (const resolve of this.#idle) resolve();
      this.#idle = [];
    }
    this.#pump();
  }
}
