import type { Clock } from "../../../base/clock.js";
import { WorkThread } from "../../../base/work-thread.js";
import { buffersOf } from "../entitlement/buffers.js";
import type { PassInput, PassResult } from "./pass-input.js";

/** A pass that takes longer than this is given up; the next one gets a new thread. */
const PASS_LIMIT_MS = 30_000;

/** Passes of DRS in a thread of their own, one after the other. */
export class PassThread {
  readonly #thread: WorkThread<PassInput, PassResult>;

  constructor(monotonic: Clock) {
    const errors = {
      late: () => new Error(`the pass took longer than ${PASS_LIMIT_MS / 1000} s`),
      full: () => new Error("a pass of DRS is under way"),
      closed: () => new Error("vCenter is shutting down"),
    };
    this.#thread = new WorkThread<PassInput, PassResult>({ module: new URL("./pass-worker.js", import.meta.url), clock: monotonic, limitMs: PASS_LIMIT_MS, maxWaiting: 0, errors, moved: buffersOf });
  }

  /** Runs a pass; its input is moved to the thread and can be used no more. The caller waits for one pass before it asks for another. */
  run(input: PassInput): Promise<PassResult> {
    return this.#thread.do(input);
  }

  /** Ends the thread; a pass under way fails. */
  close(): Promise<void> {
    return this.#thread.close();
  }
}
