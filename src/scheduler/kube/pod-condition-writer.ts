import type { Clock } from "../../base/clock.js";
import type { Logger } from "../../base/log.js";
import type { ApiClient } from "../../kubernetes/api-client.js";
import { findCondition } from "../../kubernetes/condition.js";
import type { EventRecorder } from "../../kubernetes/event-recorder.js";
import { nameOf } from "../../kubernetes/object-meta.js";
import type { Pod } from "../../kubernetes/pod.js";
import { pods } from "../../kubernetes/resource-type.js";
import { isConflict, isNotFound } from "../../kubernetes/status.js";
import { formatTime } from "../../kubernetes/timestamp.js";

export type UnscheduledReason = "Unschedulable" | "SchedulerError" | "SchedulingGated";

/** kube-scheduler's field manager and event source. */
export const SCHEDULER_NAME = "default-scheduler";

/** Tells the pod and its readers why it has no node: the condition PodScheduled=False and the FailedScheduling event. */
export class PodConditionWriter {
  readonly #client: ApiClient;
  readonly #recorder: EventRecorder;
  readonly #worldClock: Clock;
  readonly #log: Logger;

  constructor(options: { readonly client: ApiClient; readonly recorder: EventRecorder; readonly worldClock: Clock; readonly log: Logger }) {
    this.#client = options.client;
    this.#recorder = options.recorder;
    this.#worldClock = options.worldClock;
    this.#log = options.log;
  }

  /** Never rejects: a pod's condition is worth a log line, not a scheduler. */
  async unscheduled(pod: Pod, reason: UnscheduledReason, message: string): Promise<void> {
    if (reason !== "SchedulingGated") this.#recorder.record(pod, "Warning", "FailedScheduling", message, {}, "Scheduling");
    const old = findCondition(pod.status?.conditions, "PodScheduled");
    if (old?.status === "False" && old.reason === reason && old.message === message) return;
    const now = formatTime(this.#worldClock.nowMs());
    const condition = {
      type: "PodScheduled",
      status: "False",
      reason,
      message,
      lastProbeTime: null,
      lastTransitionTime: old?.status === "False" ? (old.lastTransitionTime ?? now) : now,
    };
    const body = { metadata: { uid: pod.metadata.uid }, status: { conditions: [condition] } };
    try {
      await this.#client.patch(pods, nameOf(pod), { type: "strategic", body }, { subresource: "status", fieldManager: SCHEDULER_NAME });
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) this.#log.warn({ err: error, pod: nameOf(pod) }, "the PodScheduled condition could not be written");
    }
  }
}
