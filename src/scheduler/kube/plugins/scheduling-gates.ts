import type { Pod } from "../../../kubernetes/pod.js";

/** The PodScheduled=False reason and text of a pod with `spec.schedulingGates`: it does not enter the queue at all. */
export const schedulingGated = { reason: "SchedulingGated", message: "Scheduling is blocked due to non-empty scheduling gates" } as const;

export function isGated(pod: Pod): boolean {
  return (pod.spec.schedulingGates ?? []).length > 0;
}
