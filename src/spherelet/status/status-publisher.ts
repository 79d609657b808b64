import type { Pod } from "../../kubernetes/pod.js";
import type { HostContext } from "../node/host-context.js";
import type { PodSituation } from "./pod-status.js";
import { recordStatus, writeStatus } from "./status-writer.js";

export interface StatusPublisherOptions {
  readonly context: HostContext;
  /** Aborts when nobody looks after the pod any more. */
  readonly closed: AbortSignal;
  /** How things stand; undefined where there is nothing to tell. */
  readonly situation: () => PodSituation | undefined;
  /** The pod as the API server has it now; undefined when it has it no more. */
  readonly onWritten: (pod: Pod | undefined) => void;
}

/** Step 14 of one pod: brings its status in line with how things stand, one write after the other. */
export class StatusPublisher {
  readonly #options: StatusPublisherOptions;
  #recorded = false;
  #last: Promise<void> = Promise.resolve();

  constructor(options: StatusPublisherOptions) {
    this.#options = options;
  }

  /** Resolves when the API server has what was so at the time of writing. */
  publish(): Promise<void> {
    const next = this.#last.then(() => this.#write());
    this.#last = next.catch(() => undefined);
    return next;
  }

  /** Resolves when nothing is being written. */
  get idle(): Promise<void> {
    return this.#last;
  }

  async #write(): Promise<void> {
    const { context, closed, situation: look, onWritten } = this.#options;
    const situation = closed.aborted ? undefined : look();
    if (situation === undefined) return;
    const written = await writeStatus(context, situation, closed);
    if (written === undefined) return;
    // Step 14 tells that the containers run (or have run); while init containers are at work step 13 still goes on.
    const hasStarted = situation.containers !== undefined && written.pod !== undefined && written.pod.status?.phase !== "Pending";
    if (hasStarted && !situation.stopped && !this.#recorded) {
      this.#recorded = true;
      recordStatus(context, written.pod, written.startMs);
    }
    onWritten(written.pod);
  }
}
