import { Worker } from "node:worker_threads";
import type { Clock, Timer } from "../../base/clock.js";
import { etcdError, unclassifiedError } from "../errors.js";

/** To be hashed at a cost, or to be compared with a hash. */
export type PasswordTask = { readonly password: string } & ({ readonly cost: number } | { readonly hash: string });

/** The hash, or whether the password fits. */
export type PasswordAnswer = string | boolean;

interface Waiting {
  readonly task: PasswordTask;
  readonly resolve: (answer: PasswordAnswer) => void;
  readonly reject: (error: Error) => void;
}

/** golang.org/x/crypto/bcrypt's default, and so etcd's. */
const DEFAULT_COST = 10;
/** What bcrypt takes; etcd refuses to hash more. */
const MAX_PASSWORD_BYTES = 72;
/** A hash says itself how long it takes to check; one that takes longer than this holds up everybody's. */
const TASK_LIMIT_MS = 10_000;
const MAX_WAITING = 1_000;

/** bcrypt in a thread of its own, one password after the other. The thread starts with the first. */
export class PasswordHasher {
  readonly #clock: Clock;
  readonly #cost: number;
  readonly #waiting: Waiting[] = [];
  #worker: Worker | undefined;
  #running: Waiting | undefined;
  #limit: Timer | undefined;
  #closed = false;

  constructor(clock: Clock, cost: number = DEFAULT_COST) {
    this.#clock = clock;
    this.#cost = cost;
  }

  /** The bcrypt hash of a password. */
  async hash(password: string): Promise<Buffer> {
    if (Buffer.byteLength(password) > MAX_PASSWORD_BYTES) throw unclassifiedError("passwordTooLong");
    return Buffer.from((await this.#do({ password, cost: this.#cost })) as string);
  }

  /** Whether a password has this hash; a text that is no hash fits none. */
  async fits(password: string, hash: Buffer): Promise<boolean> {
    return (await this.#do({ password, hash: hash.toString("latin1") })) as boolean;
  }

  /** Ends the thread; who waits is told that the server stops. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#drop(etcdError("stopped"));
    for (const { reject } of this.#waiting.splice(0)) reject(etcdError("stopped"));
  }

  #do(task: PasswordTask): Promise<PasswordAnswer> {
    if (this.#closed) return Promise.reject(etcdError("stopped"));
    if (this.#waiting.length >= MAX_WAITING) return Promise.reject(etcdError("tooManyRequests"));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ task, resolve, reject });
      this.#next();
    });
  }

  #next(): void {
    if (this.#running !== undefined || this.#closed) return;
    const next = this.#waiting.shift();
    if (next === undefined) return;
    this.#running = next;
    this.#worker ??= this.#start();
    this.#limit = this.#clock.timer(TASK_LIMIT_MS, () => void this.#drop(etcdError("timeout")).then(() => this.#next()));
    // oxlint-disable-next-line require-post-message-target-origin -- a thread of Node has no origin
    this.#worker.postMessage(next.task);
  }

  #start(): Worker {
    const worker = new Worker(new URL("./password-worker.js", import.meta.url));
    // It must not keep a process alive that has nothing else to do.
    worker.unref();
    worker.on("message", (answer: PasswordAnswer) => {
      this.#settled()?.resolve(answer);
      this.#next();
    });
    worker.on("error", (error) => {
      this.#worker = undefined;
      this.#settled()?.reject(error);
      this.#next();
    });
    return worker;
  }

  #settled(): Waiting | undefined {
    this.#limit?.cancel();
    const running = this.#running;
    this.#running = undefined;
    return running;
  }

  /** Ends the thread in the middle of whatever it does; the next password gets a new one. */
  async #drop(reason: Error): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    worker?.removeAllListeners();
    await worker?.terminate();
    this.#settled()?.reject(reason);
  }
}
