import { NodeVerdict, Outcome } from "../gen/spheresim/emulator/v1/journal.js";
import { nameOf } from "../kubernetes/object-meta.js";
import type { PodSteps } from "../kubernetes/pod-steps.js";
import { pathOf, pods as podType } from "../kubernetes/resource-type.js";
import type { Explanations } from "./explanations.js";
import type { BindingRecord } from "./kube/binding-cycle.js";
import type { SchedulerObserver } from "./kube/kube-scheduler.js";
import { failureMessage, type FilteredPod, type SchedulingAttempt } from "./kube/verdict.js";

/** Tells the journal of steps 3 and 6, and `explain` of what Kubernetes thought. */
export class AttemptRecorder implements SchedulerObserver {
  readonly #steps: PodSteps;
  readonly #explanations: Explanations;

  constructor(steps: PodSteps, explanations: Explanations) {
    this.#steps = steps;
    this.#explanations = explanations;
  }

  /** Step 3: every node's verdict and the length of the curated list. */
  filtered({ pod, attempt, startMs, endMs, verdicts, preFilterReasons }: FilteredPod): void {
    const curated = verdicts.filter((verdict) => verdict.feasible).length;
    this.#steps.record({
      pod,
      step: 3,
      attempt,
      peer: "apiserver",
      wire: "GET /api/v1/pods?watch=true",
      startMs,
      endMs,
      subject: "",
      message: curated > 0 ? `${curated} of ${verdicts.length} nodes on the curated list` : failureMessage(verdicts, preFilterReasons),
      outcome: curated > 0 ? Outcome.OK : Outcome.UNSCHEDULABLE,
      nodeVerdicts: verdicts.map(({ node, feasible, plugin, reasons, score }) => NodeVerdict.create({ node, feasible, plugin, reasons: [...reasons], score })),
    });
  }

  attempted(attempt: SchedulingAttempt): void {
    this.#explanations.attempted(attempt);
  }

  /** Step 6. */
  bound({ placement, startMs, endMs, error }: BindingRecord): void {
    const { pod, node, attempt } = placement;
    this.#steps.record({
      pod,
      step: 6,
      attempt,
      peer: "apiserver",
      wire: `POST ${pathOf(podType, nameOf(pod), "binding")}`,
      startMs,
      endMs,
      subject: node,
      message: error === undefined ? `bound to ${node}` : error instanceof Error ? error.message : "the binding failed",
      outcome: error === undefined ? Outcome.OK : Outcome.FAILED,
    });
  }
}
