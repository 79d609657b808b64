export type ConditionStatus = "True" | "False" | "Unknown";

/** The shape all status conditions share (pod, node, deployment ...). Times are RFC 3339. */
export interface Condition {
  readonly type: string;
  readonly status: ConditionStatus;
  readonly reason?: string;
  readonly message?: string;
  readonly lastTransitionTime?: string;
  /** Pods. */
  readonly lastProbeTime?: string | null;
  /** Deployments. */
  readonly lastUpdateTime?: string;
  /** Nodes. */
  readonly lastHeartbeatTime?: string;
}

/** The condition of that type, if the list has one. */
export function findCondition<C extends Condition>(conditions: readonly C[] | undefined, type: string): C | undefined {
  return conditions?.find((condition) => condition.type === type);
}

/** Whether the condition of that type stands at True. */
export function isConditionTrue(conditions: readonly Condition[] | undefined, type: string): boolean {
  return findCondition(conditions, type)?.status === "True";
}

/**
 * The list with `next` in it. The transition time of the old entry stays while the status does not change, as
 * Kubernetes defines it; the same list comes back when nothing but times would differ.
 */
export function withCondition<C extends Condition>(conditions: readonly C[] | undefined, next: C): readonly C[] {
  const list = conditions ?? [];
  const at = list.findIndex((condition) => condition.type === next.type);
  const old = list[at];
  if (old === undefined) return [...list, next];
  if (old.status === next.status && old.reason === next.reason && old.message === next.message) return list;
  const merged = old.status === next.status && old.lastTransitionTime !== undefined ? { ...next, lastTransitionTime: old.lastTransitionTime } : next;
  return list.with(at, merged);
}
