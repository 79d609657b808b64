import { notWeighed } from "../base/not-weighed.js";
import { RecentMap } from "../base/recent-map.js";
import { NodeVerdict } from "../gen/spheresim/emulator/v1/journal.js";
import { Explanation } from "../gen/spheresim/scheduler/v1/explain.js";
import type { Pod } from "../kubernetes/pod.js";
import type { DrsDecision } from "./extension/drs-decision.js";
import type { NodeVerdict as Verdict, SchedulingAttempt } from "./kube/verdict.js";

/** Pods remembered. */
const MAX_PODS = 10_000;

interface Remembered {
  readonly podUid: string;
  attempt: number;
  nodeVerdicts: readonly Verdict[];
  node: string;
  message: string;
  decision: DrsDecision | undefined;
  decisionAttempt: number;
}

/** Both captains' verdicts of the last attempt at each of the last 10,000 pods. */
export class Explanations {
  readonly #pods = new RecentMap<string, Remembered>(MAX_PODS);

  /** Steps 4 and 5: what DRS decided; `attempt` 0 where an external scheduler asked. */
  decided(pod: Pod, decision: DrsDecision, attempt: number): void {
    const entry = this.#entry(pod.metadata.namespace ?? "", pod.metadata.name, pod.metadata.uid);
    entry.decision = decision;
    entry.decisionAttempt = attempt;
    entry.node = decision.node ?? "";
    entry.message = decision.message;
  }

  /** Step 3 and the end of the attempt: what Kubernetes decided. */
  attempted(attempt: SchedulingAttempt): void {
    const entry = this.#entry(attempt.namespace, attempt.name, attempt.podUid);
    entry.attempt = attempt.attempt;
    entry.nodeVerdicts = attempt.verdicts;
    entry.node = attempt.node ?? "";
    // The list was empty this time: DRS was not asked.
    if (entry.decisionAttempt !== attempt.attempt) entry.decision = undefined;
    entry.message = entry.decision?.node === undefined || attempt.node === undefined ? attempt.message : entry.decision.message;
  }

  /** Undefined for a pod that was never tried. */
  explain(namespace: string, name: string): Explanation | undefined {
    const entry = this.#pods.get(`${namespace}/${name}`);
    if (entry === undefined) return undefined;
    const { decision } = entry;
    return Explanation.create({
      namespace,
      name,
      podUid: entry.podUid,
      node: entry.node,
      nodeVerdicts: entry.nodeVerdicts.map(({ node, feasible, plugin, reasons, wouldPassIf, score }) => NodeVerdict.create({ node, feasible, plugin, reasons: [...reasons], wouldPassIf: [...wouldPassIf], score })),
      hostVerdicts: [...(decision?.verdicts ?? [])],
      ...(decision?.sized === undefined ? {} : { sized: decision.sized }),
      message: entry.message,
      notWeighed: [...notWeighed],
      wouldFitIf: [...(decision?.wouldFitIf ?? [])],
    });
  }

  #entry(namespace: string, name: string, podUid: string): Remembered {
    const key = `${namespace}/${name}`;
    const known = this.#pods.get(key);
    const entry = known?.podUid === podUid ? known : { podUid, attempt: 0, nodeVerdicts: [], node: "", message: "", decision: undefined, decisionAttempt: -1 };
    this.#pods.set(key, entry);
    return entry;
  }
}
