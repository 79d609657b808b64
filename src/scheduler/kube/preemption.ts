import { type Pod, podPriority } from "../../kubernetes/pod.js";
import type { NodeInfo } from "./node-info.js";
import { nodeResourcesFit } from "./plugins/node-resources-fit.js";
import type { NodeVerdict } from "./verdict.js";

/**
 * What the FailedScheduling text says after its list of reasons to a pod for which kube-scheduler would look for victims: a pod with a
 * priority, not told `preemptionPolicy: Never`, that lacks room on a node where pods of lower priority are. This scheduler evicts nobody.
 *
 * Example: priority 100 beside a node full of pods of priority 0: ` preemption: evicting pods of lower priority is not supported ...`.
 */
export function preemptionNote(pod: Pod, verdicts: readonly NodeVerdict[], nodeOf: (name: string) => NodeInfo | undefined): string {
  const priority = podPriority(pod);
  if (priority <= 0 || pod.spec.preemptionPolicy === "Never") return "";
  const helps = verdicts.some((verdict) => verdict.plugin === nodeResourcesFit.name && nodeOf(verdict.node)?.hasPodBelow(priority) === true);
  return helps ? " preemption: evicting pods of lower priority is not supported by this scheduler yet." : "";
}
