import { findCondition, isConditionTrue } from "../kubernetes/condition.js";
import type { Pod } from "../kubernetes/pod.js";

/** Whether the pod can still count for its controller: not ended, not on its way out. */
export function isActive(pod: Pod): boolean {
  return pod.metadata.deletionTimestamp === undefined && pod.status?.phase !== "Succeeded" && pod.status?.phase !== "Failed";
}

export function isReady(pod: Pod): boolean {
  return isConditionTrue(pod.status?.conditions, "Ready");
}

/** Milliseconds until a ready pod counts as available; 0 when it does, Infinity while it is not ready. */
export function availableInMs(pod: Pod, minReadySeconds: number, nowMs: number): number {
  if (!isReady(pod)) return Number.POSITIVE_INFINITY;
  const since = findCondition(pod.status?.conditions, "Ready")?.lastTransitionTime;
  if (minReadySeconds === 0 || since === undefined) return 0;
  return Math.max(0, Date.parse(since) + minReadySeconds * 1000 - nowMs);
}

/**
 * Order in which surplus pods go, first to go first (upstream's ActivePodsWithRanks, as far as it is known here): unscheduled before
 * scheduled, pending before running, not ready before ready, younger before older.
 */
export function byDispensability(a: Pod, b: Pod): number {
  const rank = (pod: Pod): number => (pod.spec.nodeName === undefined ? 0 : pod.status?.phase !== "Running" ? 1 : isReady(pod) ? 3 : 2);
  return rank(a) - rank(b) || Date.parse(b.metadata.creationTimestamp) - Date.parse(a.metadata.creationTimestamp) || (a.metadata.name < b.metadata.name ? -1 : 1);
}
