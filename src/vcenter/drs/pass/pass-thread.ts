import { Worker } from "node:worker_threads";
import type { Clock, Timer } from "../../../base/clock.js";
import { buffersOf } from "../entitlement/buffers.js";
import type { PassInput, PassResult } from "./pass-input.js";

/** A pass that takes longer than this is given up; the next one gets a new thread. */
const PASS_LIMIT_MS = 30_000;

interface Running {
  readonly resolve: (result: PassResult) => void;
  readonly reject: (error: Error) => void;
}

/** Passes of DRS in a thread of their own, one after the other. The thread starts with the first. */
export class PassThread {
  readonly #monotonic: Clock;
  #worker: Worker | undefined;
  #running: Running | undefined;
  #limit: Timer | undefined;
  #closed = false;

  constructor(monotonic: Clock) {
    this.#monotonic = monotonic;
  }

  /** Runs a pass; its input is moved to the thread and can be used no more. The caller waits for one pass before it asks for another. */
  run(input: PassInput): Promise<PassResult> {
    if (this.#closed) return Promise.reject(new Error("vCenter is shutting down"));
    if (this.#running !== undefined) return Promise.reject(new Error("a pass of DRS is under way"));
    return new Promise((resolve, reject) => {
      this.#running = { resolve, reject };
      try {
        this.#worker ??= this.#start();
        // oxlint-disable-next-line require-post-message-target-origin -- a thread of Node has no origin
        this.#worker.postMessage(input, buffersOf(input));
      } catch (error) {
        this.#settled()?.reject(error instanceof Error ? error : new Error(String(error)));
        return;
      }
      this.#limit = this.#monotonic.timer(PASS_LIMIT_MS, () => void this.#drop(new Error(`the pass took longer than ${PASS_LIMIT_MS / 1000} s`)));
    });
  }

  /** Ends the thread; a pass under way fails. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#drop(new Error("vCenter is shutting down"));
  }

  #start(): Worker {
    const worker = new Worker(new URL("./pass-worker.js", import.meta.url));
    // It must not keep a process alive that has nothing else to do.
    worker.unref();
    worker.on("message", (result: PassResult) => this.#settled()?.resolve(result));
    worker.on("messageerror", (error) => this.#settled()?.reject(error));
    worker.on("error", (error) => {
      this.#worker = undefined;
      this.#settled()?.reject(error);
    });
    return worker;
  }

  #settled(): Running | undefined {
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
