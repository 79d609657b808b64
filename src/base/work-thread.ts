import { type Transferable, Worker } from "node:worker_threads";
import type { Clock, Timer } from "./clock.js";

/** What a thread is for. */
export interface WorkThreadOptions<Task> {
  /** The module it runs: it answers each message with one. */
  readonly module: URL;
  /** Monotonic. */
  readonly clock: Clock;
  /** A task that takes longer is given up, and the thread with it. */
  readonly limitMs: number;
  /** So many tasks wait for the one under way at most. */
  readonly maxWaiting: number;
  /** Why a task fails: it takes too long, too many wait, the thread was closed. */
  readonly errors: { readonly late: () => Error; readonly full: () => Error; readonly closed: () => Error };
  /** Buffers that are moved to the thread instead of copied; none when absent. */
  readonly moved?: (task: Task) => Transferable[];
}

interface Waiting<Task, Answer> {
  readonly task: Task;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

/**
 * A thread for work of more than a few milliseconds, one task after the other in the order in which they came. It starts with the first task;
 * one that fails, ends or takes too long is dropped with the task it worked on, and the next task gets a new one. It keeps no process alive.
 */
export class WorkThread<Task, Answer> {
  readonly #options: WorkThreadOptions<Task>;
  readonly #waiting: Waiting<Task, Answer>[] = [];
  #worker: Worker | undefined;
  #running: Waiting<Task, Answer> | undefined;
  #limit: Timer | undefined;
  #closed = false;

  constructor(options: WorkThreadOptions<Task>) {
    this.#options = options;
  }

  /** The thread's answer. What is moved to it can be used no more. */
  do(task: Task): Promise<Answer> {
    const { errors, maxWaiting } = this.#options;
    if (this.#closed) return Promise.reject(errors.closed());
    if (this.#running !== undefined && this.#waiting.length >= maxWaiting) return Promise.reject(errors.full());
    return new Promise((resolve, reject) => {
      this.#waiting.push({ task, resolve, reject });
      this.#next();
    });
  }

  /** Ends the thread in the middle of whatever it does; all that is not done fails. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#drop(this.#options.errors.closed());
    for (const { reject } of this.#waiting.splice(0)) reject(this.#options.errors.closed());
  }

  #next(): void {
    if (this.#running !== undefined || this.#closed) return;
    const next = this.#waiting.shift();
    if (next === undefined) return;
    const { clock, limitMs, errors, moved } = this.#options;
    this.#running = next;
    try {
      this.#worker ??= this.#start();
      // oxlint-disable-next-line require-post-message-target-origin -- a thread of Node has no origin
      this.#worker.postMessage(next.task, moved?.(next.task) ?? []);
      this.#limit = clock.timer(limitMs, () => void this.#drop(errors.late()).then(() => this.#next()));
    } catch (error) {
      this.#fail(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #start(): Worker {
    const worker = new Worker(this.#options.module);
    worker.unref();
    const ended = (error: Error): void => {
      if (this.#worker !== worker) return;
      this.#worker = undefined;
      this.#fail(error);
    };
    worker.on("message", (answer: Answer) => {
      this.#settled()?.resolve(answer);
      this.#next();
    });
    worker.on("messageerror", (error) => this.#fail(error));
    worker.on("error", ended);
    worker.on("exit", (code) => ended(new Error(`the thread ended with code ${code}`)));
    return worker;
  }

  #fail(error: Error): void {
    this.#settled()?.reject(error);
    this.#next();
  }

  #settled(): Waiting<Task, Answer> | undefined {
    this.#limit?.cancel();
    const running = this.#running;
    this.#running = undefined;
    return running;
  }

  async #drop(reason: Error): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    worker?.removeAllListeners();
    await worker?.terminate();
    this.#settled()?.reject(reason);
  }
}
