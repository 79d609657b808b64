import { createHash } from "node:crypto";
import type { PodTemplate } from "../kubernetes/pod.js";
import type { Deployment, ReplicaSet } from "../kubernetes/workload.js";
import { safeLetters } from "./name-suffix.js";

export const templateHashLabel = "pod-template-hash";
export const revisionAnnotation = "deployment.kubernetes.io/revision";

const hashLength = 10;

/** A short name of a template: equal templates have equal hashes. The figure differs from upstream's, which hashes Go's memory layout. */
export function templateHash(template: PodTemplate, collisionCount: number): string {
  const digest = createHash("sha256").update(canonical(withoutHash(template))).update(String(collisionCount)).digest();
  return Array.from(digest.subarray(0, hashLength), (byte) => safeLetters[byte % safeLetters.length]).join("");
}

/** Whether two templates are the same but for the hash label. */
export function sameTemplate(a: PodTemplate, b: PodTemplate): boolean {
  return canonical(withoutHash(a)) === canonical(withoutHash(b));
}

function withoutHash(template: PodTemplate): unknown {
  const { [templateHashLabel]: _, ...labels } = template.metadata?.labels ?? {};
  return { metadata: { labels, annotations: template.metadata?.annotations ?? {} }, spec: template.spec };
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const entries = Object.entries(value).filter(([, each]) => each !== undefined).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, each]) => `${JSON.stringify(key)}:${canonical(each)}`).join(",")}}`;
}

/** How far a rolling update may go above and below the wanted number. */
export interface RolloutLimits {
  readonly maxSurge: number;
  readonly maxUnavailable: number;
}

/**
 * Numbers of a rolling update; percentages of surge round up, of unavailability down, and both cannot be 0.
 *
 * Worked example: 4 replicas at the default 25 % and 25 %: one above, one below.
 */
export function rolloutLimits(deployment: Deployment): RolloutLimits {
  const replicas = deployment.spec.replicas ?? 1;
  if (deployment.spec.strategy?.type === "Recreate") return { maxSurge: 0, maxUnavailable: replicas };
  const { maxSurge = "25%", maxUnavailable = "25%" } = deployment.spec.strategy?.rollingUpdate ?? {};
  const surge = scaled(maxSurge, replicas, Math.ceil);
  const unavailable = Math.min(replicas, scaled(maxUnavailable, replicas, Math.floor));
  return surge === 0 && unavailable === 0 ? { maxSurge: 0, maxUnavailable: 1 } : { maxSurge: surge, maxUnavailable: unavailable };
}

function scaled(value: number | string, total: number, round: (value: number) => number): number {
  if (typeof value === "number") return value;
  return value.endsWith("%") ? round((Number.parseFloat(value) * total) / 100) : Number.parseInt(value, 10);
}

/** The wanted number of each ReplicaSet after one step of a rollout. */
export interface RolloutStep {
  readonly newReplicas: number;
  /** By UID; those left out stay as they are. */
  readonly oldReplicas: ReadonlyMap<string, number>;
}

const wanted = (replicaSet: ReplicaSet): number => replicaSet.spec.replicas ?? 0;
const available = (replicaSet: ReplicaSet): number => replicaSet.status?.availableReplicas ?? 0;
const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);

/**
 * One step of a rollout: the new ReplicaSet grows as far as the surge allows, old ones shrink as far as availability allows, pods that are
 * not available first.
 *
 * Worked example: 4 replicas, one above, one below; old 4 of 4 available, new 0: the new one grows to 1 and the old one shrinks to 3.
 */
export function rolloutStep(deployment: Deployment, newest: ReplicaSet, old: readonly ReplicaSet[]): RolloutStep {
  const replicas = deployment.spec.replicas ?? 1;
  const oldTotal = sum(old.map(wanted));
  if (deployment.spec.strategy?.type === "Recreate") {
    const remaining = sum(old.map((each) => each.status?.replicas ?? 0));
    return { newReplicas: oldTotal === 0 && remaining === 0 ? replicas : wanted(newest), oldReplicas: new Map(old.filter((each) => wanted(each) > 0).map((each) => [each.metadata.uid, 0])) };
  }
  const { maxSurge, maxUnavailable } = rolloutLimits(deployment);
  const current = wanted(newest);
  const room = Math.max(0, replicas + maxSurge - oldTotal - current);
  const newReplicas = current > replicas ? replicas : Math.min(replicas, current + room);
  const minAvailable = replicas - maxUnavailable;
  const newUnavailable = Math.max(0, current - available(newest));
  let removable = Math.max(0, oldTotal + current - minAvailable - newUnavailable);
  const oldReplicas = new Map<string, number>();
  const cut = (replicaSet: ReplicaSet, most: number): void => {
    const now = oldReplicas.get(replicaSet.metadata.uid) ?? wanted(replicaSet);
    const count = Math.min(removable, most, now);
    if (count <= 0) return;
    oldReplicas.set(replicaSet.metadata.uid, now - count);
    removable -= count;
  };
  const byAge = [...old].sort((a, b) => Date.parse(a.metadata.creationTimestamp) - Date.parse(b.metadata.creationTimestamp));
  for (const each of byAge) cut(each, Math.max(0, wanted(each) - available(each)));
  const stillAvailable = sum([newest, ...old].map(available));
  removable = Math.min(removable, Math.max(0, stillAvailable - minAvailable));
  for (const each of byAge) cut(each, Number.POSITIVE_INFINITY);
  return { newReplicas, oldReplicas };
}
