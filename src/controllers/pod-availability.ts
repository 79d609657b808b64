import { findCondition } from "../kubernetes/condition.js";
import { isPodReady, type Pod } from "../kubernetes/pod.js";
import { parseTime } from "../kubernetes/timestamp.js";

/** Ready for at least `minReadySeconds`; `waitMs` says when a Ready pod will be. */
export function availability(pod: Pod, minReadySeconds: number, nowMs: number): { readonly isAvailable: boolean; readonly waitMs?: number } {
  if (!isPodReady(pod)) return { isAvailable: false };
  if (minReadySeconds === 0) return { isAvailable: true };
  const sinceMs = parseTime(findCondition(pod.status?.conditions, "Ready")?.lastTransitionTime);
  if (sinceMs === undefined) return { isAvailable: false };
  const waitMs = sinceMs + minReadySeconds * 1000 - nowMs;
  return waitMs <= 0 ? { isAvailable: true } : { isAvailable: false, waitMs };
}

const phaseRank: Readonly<Record<string, number>> = { Pending: 0, Unknown: 1, Running: 2 };

/** How far along a pod is, most telling figure first; what is least along is deleted first when a ReplicaSet shrinks. */
function standing(pod: Pod): readonly number[] {
  const restarts = Math.max(0, ...(pod.status?.containerStatuses ?? []).map((status) => status.restartCount));
  const deletionCost = Number(pod.metadata.annotations?.["controller.kubernetes.io/pod-deletion-cost"] ?? 0);
  const readySinceMs = isPodReady(pod) ? (parseTime(findCondition(pod.status?.conditions, "Ready")?.lastTransitionTime) ?? 0) : 0;
  return [
    pod.spec.nodeName === undefined ? 0 : 1,
    phaseRank[pod.status?.phase ?? "Pending"] ?? 0,
    isPodReady(pod) ? 1 : 0,
    Number.isFinite(deletionCost) ? deletionCost : 0,
    -readySinceMs,
    -restarts,
    -(parseTime(pod.metadata.creationTimestamp) ?? 0),
  ];
}

/** Pods in the order a shrinking ReplicaSet gives them up: unassigned, then pending, not ready, cheap, newly ready, often restarted, young. */
export function byDeletionOrder(a: Pod, b: Pod): number {
  const [left, right] = [standing(a), standing(b)];
  const at = left.findIndex((value, index) => value !== right[index]);
  return at < 0 ? 0 : left[at]! - right[at]!;
}
