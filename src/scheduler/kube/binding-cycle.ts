import type { Clock } from "../../base/clock.js";
import type { Logger } from "../../base/log.js";
import type { ApiClient } from "../../kubernetes/api-client.js";
import type { EventRecorder } from "../../kubernetes/event-recorder.js";
import { nameOf } from "../../kubernetes/object-meta.js";
import { pods } from "../../kubernetes/resource-type.js";
import { ApiError } from "../../kubernetes/status.js";
import type { BindOutcome, Placement, SchedulerExtender } from "../extender.js";
import { SCHEDULER_NAME } from "./pod-condition-writer.js";

/** Step 6 as it went, for the journal. Times are emulated. */
export interface BindingRecord {
  readonly placement: Placement;
  readonly startMs: number;
  readonly endMs: number;
  /** Absent when the pod is bound. */
  readonly error?: unknown;
}

export interface BindingCycleOptions {
  readonly client: ApiClient;
  readonly recorder: EventRecorder;
  readonly worldClock: Clock;
  readonly log: Logger;
  readonly extender: SchedulerExtender | undefined;
  readonly bound: ((record: BindingRecord) => void) | undefined;
}

/** What is done, concurrently for many pods, once a pod's node is chosen: reserve, prepare, bind, tell. */
export class BindingCycle {
  readonly #options: BindingCycleOptions;

  constructor(options: BindingCycleOptions) {
    this.#options = options;
  }

  /** Resolves with undefined when the pod is bound, else with why it is not. Never rejects. */
  async run(placement: Placement): Promise<{ readonly error: unknown } | undefined> {
    const { extender, recorder, worldClock, log } = this.#options;
    const { namespace, name } = placement.pod.metadata;
    let startMs: number | undefined;
    try {
      await extender?.reserve?.(placement);
      await extender?.preBind?.(placement);
      startMs = worldClock.nowMs();
      // The binding is on its way before the extender hears of it; both then run side by side.
      const outcome = this.#bind(placement).then(
        (): BindOutcome => ({ bound: true }),
        (error: unknown): BindOutcome => ({ bound: false, error }),
      );
      this.#tellExtender(placement, outcome);
      const result = await outcome;
      if (!result.bound) throw result.error;
    } catch (error) {
      log.warn({ err: error, pod: `${namespace}/${name}`, node: placement.node }, "the pod was not bound");
      if (startMs !== undefined) this.#options.bound?.({ placement, startMs, endMs: worldClock.nowMs(), error });
      extender?.unreserve?.(placement, error);
      return { error };
    }
    recorder.record(placement.pod, "Normal", "Scheduled", `Successfully assigned ${namespace}/${name} to ${placement.node}`, {}, "Binding");
    this.#options.bound?.({ placement, startMs, endMs: worldClock.nowMs() });
    return undefined;
  }

  #tellExtender(placement: Placement, outcome: Promise<BindOutcome>): void {
    try {
      this.#options.extender?.binding?.(placement, outcome);
    } catch (error) {
      this.#options.log.error({ err: error, pod: placement.pod.metadata.name }, "the extender failed while a binding was on its way");
    }
  }

  async #bind(placement: Placement): Promise<void> {
    const { extender, client } = this.#options;
    if (extender?.bind !== undefined) return extender.bind(placement);
    const { metadata } = placement.pod;
    try {
      await client.bind(
        {
          apiVersion: "v1",
          kind: "Binding",
          metadata: { name: metadata.name, namespace: metadata.namespace!, uid: metadata.uid },
          target: { apiVersion: "v1", kind: "Node", name: placement.node },
        },
        { fieldManager: SCHEDULER_NAME },
      );
    } catch (error) {
      if (!(error instanceof ApiError) || !error.isTransport) throw error;
      // The fate of the write is unknown, and taking a node back from a bound pod would give its room away twice.
      const now = await client.get(pods, nameOf(placement.pod));
      if (now.metadata.uid !== metadata.uid || now.spec.nodeName !== placement.node) throw error;
    }
  }
}
