import { NodeVerdict, Outcome } from "../gen/spheresim/emulator/v1/journal.js";
import { nameOf } from "../kubernetes/object-meta.js";
import type { PodSteps } from "../kubernetes/pod-steps.js";
import { pathOf, pods as podType } from "../kubernetes/resource-type.js";
import type { Explanations } from "./explanations.js";
import type { Decider } from "./extension/drs-extension.js";
import type { BindingRecord } from "./kube/binding-cycle.js";
import type { SchedulerObserver } from "./kube/scheduler-observer.js";
import { failureMessage, type FilteredPod, type SchedulingAttempt } from "./kube/verdict.js";

export interface AttemptRecorderOptions {
  readonly steps: PodSteps;
  readonly explanations: Explanations;
  readonly decider: Decider;
}

/** Tells the journal of steps 3 and 6, and `explain` of what Kubernetes thought. Where Kubernetes decides alone, steps 4 and 5 are told here too. */
export class AttemptRecorder implements SchedulerObserver {
  readonly #steps: PodSteps;
  readonly #explanations: Explanations;
  readonly #decider: Decider;

  constructor({ steps, explanations, decider }: AttemptRecorderOptions) {
    this.#steps = steps;
    this.#explanations = explanations;
    this.#decider = decider;
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
      nodeVerdicts: verdicts.map(({ node, feasible, plugin, reasons, wouldPassIf, score }) => NodeVerdict.create({ node, feasible, plugin, reasons: [...reasons], wouldPassIf: [...wouldPassIf], score })),
    });
  }

  attempted(attempt: SchedulingAttempt): void {
    this.#explanations.attempted(attempt);
    if (this.#decider === "kubernetes" && attempt.node !== undefined) this.#decidedAlone(attempt, attempt.node);
  }

  /** Steps 4 and 5 without DRS: that it was not asked, and whom Kubernetes took instead. */
  #decidedAlone({ podUid, namespace, name, attempt, filteredMs, verdicts }: SchedulingAttempt, node: string): void {
    const feasible = verdicts.filter((verdict) => verdict.feasible);
    const score = feasible.find((verdict) => verdict.node === node)?.score ?? 0;
    const equals = feasible.filter((verdict) => verdict.score === score).length;
    const how = equals > 1 ? `drawn among ${equals} of that score` : `the best of ${feasible.length} that would do`;
    const step = { pod: { metadata: { uid: podUid, namespace, name } }, attempt, peer: "", wire: "", startMs: filteredMs };
    this.#steps.record({ ...step, step: 4, inPlaceOf: "vcenter", subject: "", message: "DRS is not asked: Kubernetes decides alone", outcome: Outcome.SKIPPED });
    this.#steps.record({ ...step, step: 5, subject: node, message: `Kubernetes takes ${node}: score ${score.toFixed(1)}, ${how}` });
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
