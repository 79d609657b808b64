import type { Deployment, DeploymentSpec, ReplicaSet } from "../kubernetes/workload.js";

/** How far a rolling update may go above and below the wanted number of pods. */
export interface RollingBounds {
  readonly maxSurge: number;
  readonly maxUnavailable: number;
}

/** A new size for a ReplicaSet. */
export interface Scaling {
  readonly replicaSet: ReplicaSet;
  readonly replicas: number;
}

export function wantedReplicas(spec: DeploymentSpec): number {
  return spec.replicas ?? 1;
}

export function replicasOf(replicaSet: ReplicaSet): number {
  return replicaSet.spec.replicas ?? 1;
}

export function sumOf(replicaSets: readonly ReplicaSet[], figure: (replicaSet: ReplicaSet) => number): number {
  return replicaSets.reduce((sum, replicaSet) => sum + figure(replicaSet), 0);
}

/** Percentages are of the wanted replicas; surge rounds up, unavailable down; when both would be 0, one pod may be away. */
export function rollingBounds(spec: DeploymentSpec): RollingBounds {
  if (spec.strategy?.type === "Recreate") return { maxSurge: 0, maxUnavailable: 0 };
  const { maxSurge = "25%", maxUnavailable = "25%" } = spec.strategy?.rollingUpdate ?? {};
  const replicas = wantedReplicas(spec);
  const surge = resolve(maxSurge, replicas, Math.ceil);
  const unavailable = resolve(maxUnavailable, replicas, Math.floor);
  return { maxSurge: surge, maxUnavailable: surge === 0 && unavailable === 0 ? 1 : Math.min(unavailable, Math.max(replicas, 1)) };
}

function resolve(bound: number | string, replicas: number, round: (value: number) => number): number {
  if (typeof bound === "number") return bound;
  return bound.endsWith("%") ? round((Number(bound.slice(0, -1)) * replicas) / 100) : Number(bound);
}

/**
 * The size the new ReplicaSet may have now: as far up as the surge allows.
 *
 * Example: 4 wanted, surge 1, old ReplicaSet still at 4: 5 pods in all may run, so the new one starts with 1.
 */
export function newReplicaSetSize(deployment: Deployment, all: readonly ReplicaSet[], current: ReplicaSet): number {
  const wanted = wantedReplicas(deployment.spec);
  const now = replicasOf(current);
  if (now > wanted) return wanted;
  const room = wanted + rollingBounds(deployment.spec).maxSurge - sumOf(all, replicasOf);
  return room <= 0 ? now : now + Math.min(room, wanted - now);
}

/**
 * How old ReplicaSets may shrink now: first pods that are not available anyway, then as many available ones as keep
 * `wanted - maxUnavailable` of all available. Oldest first.
 */
export function oldReplicaSetScalings(deployment: Deployment, old: readonly ReplicaSet[], current: ReplicaSet): readonly Scaling[] {
  const minAvailable = wantedReplicas(deployment.spec) - rollingBounds(deployment.spec).maxUnavailable;
  const all = [...old, current];
  const notUpYet = replicasOf(current) - (current.status?.availableReplicas ?? 0);
  let spare = sumOf(all, replicasOf) - minAvailable - notUpYet;
  const sizes = new Map(old.map((replicaSet) => [replicaSet, replicasOf(replicaSet)]));
  const aged = old.toSorted(byAge);
  for (const replicaSet of aged) {
    const unhealthy = Math.max(0, sizes.get(replicaSet)! - (replicaSet.status?.availableReplicas ?? 0));
    const fewer = Math.min(Math.max(0, spare), unhealthy);
    sizes.set(replicaSet, sizes.get(replicaSet)! - fewer);
    spare -= fewer;
  }
  let available = sumOf(all, (replicaSet) => replicaSet.status?.availableReplicas ?? 0) - minAvailable;
  for (const replicaSet of aged) {
    const fewer = Math.min(Math.max(0, available), sizes.get(replicaSet)!, Math.max(0, spare));
    sizes.set(replicaSet, sizes.get(replicaSet)! - fewer);
    available -= fewer;
    spare -= fewer;
  }
  return [...sizes].filter(([replicaSet, replicas]) => replicas !== replicasOf(replicaSet)).map(([replicaSet, replicas]) => ({ replicaSet, replicas }));
}

/**
 * A changed `spec.replicas` in the middle of a rollout is spread over the active ReplicaSets in proportion to their sizes,
 * larger ones first; what rounding leaves over goes to the largest.
 *
 * Example: 10 wanted as 8 old + 2 new; now 20: 16 old + 4 new.
 */
export function proportionalScalings(deployment: Deployment, active: readonly ReplicaSet[]): readonly Scaling[] {
  const wanted = wantedReplicas(deployment.spec);
  const allowed = wanted === 0 ? 0 : wanted + rollingBounds(deployment.spec).maxSurge;
  const total = sumOf(active, replicasOf);
  const change = allowed - total;
  if (change === 0 || total === 0) return [];
  const largest = active.toSorted((a, b) => replicasOf(b) - replicasOf(a) || (change > 0 ? byAge(b, a) : byAge(a, b)));
  let left = change;
  const sizes = largest.map((replicaSet): Scaling => {
    const exact = Math.round((replicasOf(replicaSet) * allowed) / total) - replicasOf(replicaSet);
    const part = change > 0 ? Math.min(exact, left) : Math.max(exact, left);
    left -= part;
    return { replicaSet, replicas: replicasOf(replicaSet) + part };
  });
  sizes[0] = { ...sizes[0]!, replicas: Math.max(0, sizes[0]!.replicas + left) };
  return sizes.filter(({ replicaSet, replicas }) => replicas !== replicasOf(replicaSet));
}

/** Oldest first. */
export function byAge(a: ReplicaSet, b: ReplicaSet): number {
  const [left, right] = [a.metadata, b.metadata];
  if (left.creationTimestamp !== right.creationTimestamp) return left.creationTimestamp < right.creationTimestamp ? -1 : 1;
  return left.name < right.name ? -1 : 1;
}
