import type { NodeInfo, PodUsage } from "./node-info.js";
import { podPriority } from "../../kubernetes/pod.js";
import { refusalOf } from "./evaluation.js";
import { nodeResourcesFit } from "./plugins/node-resources-fit.js";
import { type NodeVerdict, noNodesText } from "./verdict.js";

const NO_HELP = "Preemption is not helpful for scheduling";
const NO_VICTIMS = "No preemption victims found for incoming pod";

/**
 * What kube-scheduler's search for victims adds to the FailedScheduling text. Room is all that an eviction makes: it does not help
 * against a label or a taint. Where pods of lower priority could make room this scheduler says that it evicts nobody.
 *
 * Example: one node full of pods of the same priority and one tainted: ` preemption: 0/2 nodes are available: 1 No preemption victims
 * found for incoming pod, 1 Preemption is not helpful for scheduling.`
 */
export function preemptionText(usage: PodUsage, verdicts: readonly NodeVerdict[], nodeOf: (name: string) => NodeInfo | undefined): string {
  if (verdicts.length === 0) return "";
  if (usage.pod.spec.preemptionPolicy === "Never") return " preemption: not eligible due to preemptionPolicy=Never.";
  const reasons = verdicts.map((verdict) => reasonsWithoutVictims(usage, verdict, nodeOf(verdict.node)));
  if (reasons.includes(undefined)) return " preemption: evicting pods of lower priority is not supported by this scheduler yet.";
  return ` preemption: ${noNodesText(reasons.map((each) => each ?? []))}`;
}

/** Why the pod would still not fit with all pods of lower priority gone; undefined when it would. */
function reasonsWithoutVictims(usage: PodUsage, verdict: NodeVerdict, node: NodeInfo | undefined): readonly string[] | undefined {
  const isForRoom = verdict.plugin === nodeResourcesFit.name || verdict.extenderReason !== undefined;
  if (!isForRoom || node === undefined) return [NO_HELP];
  const priority = podPriority(usage.pod);
  return node.hasPodBelow(priority) ? refusalOf(usage, node.withoutPodsBelow(priority))?.reasons : [NO_VICTIMS];
}
