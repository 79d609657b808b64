import { PodOutcome } from "../gen/spheresim/emulator/v1/emulator.js";
import type { Pod } from "../kubernetes/pod.js";

/** Annotation that ties a pod to its VM (step 10). */
export const vmUuidAnnotation = "vmware-system-vm-uuid";

/** Whether a pod has arrived: Running and ready, or Succeeded. */
export function hasArrived(pod: Pod): boolean {
  if (pod.status?.phase === "Succeeded") return true;
  return pod.status?.phase === "Running" && conditionOf(pod, "Ready")?.status === "True";
}

/** Why no further progress is to be expected without somebody's help; empty while there is hope. */
export function stuckReason(pod: Pod): string {
  if (pod.status?.phase === "Failed") return pod.status.message ?? pod.status.reason ?? "the pod failed";
  const scheduled = conditionOf(pod, "PodScheduled");
  if (isUnschedulable(pod)) return scheduled?.message ?? scheduled?.reason ?? "unschedulable";
  return "";
}

/** Whether the scheduler gave the pod up for now; an error of the scheduler itself is no such verdict. */
export function isUnschedulable(pod: Pod): boolean {
  const scheduled = conditionOf(pod, "PodScheduled");
  return scheduled?.status === "False" && (scheduled.reason === "Unschedulable" || scheduled.reason === "SchedulingGated");
}

/** A pod in the words of the contract. */
export function outcomeOf(pod: Pod): PodOutcome {
  return PodOutcome.fromPartial({
    namespace: pod.metadata.namespace ?? "",
    name: pod.metadata.name,
    uid: pod.metadata.uid,
    phase: pod.status?.phase ?? "Pending",
    node: pod.spec.nodeName ?? "",
    vmUuid: pod.metadata.annotations?.[vmUuidAnnotation] ?? "",
    reason: hasArrived(pod) ? "" : stuckReason(pod) || waitingReason(pod),
  });
}

function waitingReason(pod: Pod): string {
  const waiting = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])].find((each) => each.state?.waiting !== undefined);
  return waiting?.state?.waiting?.reason ?? "";
}

function conditionOf(pod: Pod, type: string) {
  return pod.status?.conditions?.find((condition) => condition.type === type);
}
