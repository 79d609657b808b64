import { type Condition, findCondition, withCondition } from "../kubernetes/condition.js";
import { formatTime, parseTime } from "../kubernetes/timestamp.js";
import type { Deployment, DeploymentStatus, ReplicaSet } from "../kubernetes/workload.js";
import { rolloutLimits } from "./rollout.js";

const defaultDeadlineSeconds = 600;
const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);

/**
 * Status of a Deployment with the conditions that `kubectl rollout status` and `wait` judge: Available and Progressing, with upstream's
 * reasons and texts. `nextCheckMs` is when a rollout without progress would be late.
 */
export function deploymentStatus(deployment: Deployment, newest: ReplicaSet | undefined, owned: readonly ReplicaSet[], nowMs: number): { readonly status: DeploymentStatus; readonly nextCheckMs: number | undefined } {
  const wanted = deployment.spec.replicas ?? 1;
  const replicas = sum(owned.map((each) => each.status?.replicas ?? 0));
  const availableReplicas = sum(owned.map((each) => each.status?.availableReplicas ?? 0));
  const counts = {
    replicas,
    updatedReplicas: newest?.status?.replicas ?? 0,
    readyReplicas: sum(owned.map((each) => each.status?.readyReplicas ?? 0)),
    availableReplicas,
    unavailableReplicas: Math.max(0, sum(owned.map((each) => each.spec.replicas ?? 0)) - availableReplicas),
  };
  const complete = counts.updatedReplicas === wanted && replicas === wanted && availableReplicas === wanted;
  const { progressing, nextCheckMs } = progressingCondition(deployment, newest, counts, complete, nowMs);
  let conditions = withCondition(deployment.status?.conditions, availableCondition(deployment, availableReplicas, nowMs));
  if (progressing !== undefined) conditions = withCondition(conditions, progressing);
  return { status: { observedGeneration: deployment.metadata.generation ?? 1, ...counts, conditions, ...(deployment.status?.collisionCount === undefined ? {} : { collisionCount: deployment.status.collisionCount }) }, nextCheckMs };
}

function availableCondition(deployment: Deployment, available: number, nowMs: number): Condition {
  const now = formatTime(nowMs);
  const enough = available >= (deployment.spec.replicas ?? 1) - rolloutLimits(deployment).maxUnavailable;
  return enough
    ? { type: "Available", status: "True", reason: "MinimumReplicasAvailable", message: "Deployment has minimum availability.", lastUpdateTime: now, lastTransitionTime: now }
    : { type: "Available", status: "False", reason: "MinimumReplicasUnavailable", message: "Deployment does not have minimum availability.", lastUpdateTime: now, lastTransitionTime: now };
}

type Counts = Required<Pick<DeploymentStatus, "replicas" | "updatedReplicas" | "readyReplicas" | "availableReplicas">>;

function progressingCondition(deployment: Deployment, newest: ReplicaSet | undefined, counts: Counts, complete: boolean, nowMs: number): { readonly progressing: Condition | undefined; readonly nextCheckMs: number | undefined } {
  const now = formatTime(nowMs);
  const old = findCondition(deployment.status?.conditions, "Progressing");
  const name = newest?.metadata.name ?? "";
  const make = (status: Condition["status"], reason: string, message: string): Condition => ({ type: "Progressing", status, reason, message, lastUpdateTime: now, lastTransitionTime: now });
  if (deployment.spec.paused === true) return { progressing: make("Unknown", "DeploymentPaused", "Deployment is paused"), nextCheckMs: undefined };
  if (complete) return { progressing: make("True", "NewReplicaSetAvailable", `ReplicaSet "${name}" has successfully progressed.`), nextCheckMs: undefined };
  const before = deployment.status;
  const moved =
    old === undefined ||
    counts.updatedReplicas !== (before?.updatedReplicas ?? 0) ||
    counts.readyReplicas > (before?.readyReplicas ?? 0) ||
    counts.availableReplicas > (before?.availableReplicas ?? 0) ||
    counts.replicas - counts.updatedReplicas < (before?.replicas ?? 0) - (before?.updatedReplicas ?? 0) ||
    deployment.metadata.generation !== before?.observedGeneration;
  const deadlineMs = (deployment.spec.progressDeadlineSeconds ?? defaultDeadlineSeconds) * 1000;
  if (moved) return { progressing: { ...make("True", "ReplicaSetUpdated", `ReplicaSet "${name}" is progressing.`) }, nextCheckMs: deadlineMs };
  const sinceMs = nowMs - (parseTime(old?.lastUpdateTime) ?? nowMs);
  if (old?.reason === "NewReplicaSetAvailable") return { progressing: undefined, nextCheckMs: undefined };
  if (sinceMs < deadlineMs) return { progressing: undefined, nextCheckMs: deadlineMs - sinceMs + 1000 };
  return { progressing: make("False", "ProgressDeadlineExceeded", `ReplicaSet "${name}" has timed out progressing.`), nextCheckMs: undefined };
}

/** Whether writing the new status would say nothing new. */
export function sameDeploymentStatus(old: DeploymentStatus | undefined, next: DeploymentStatus): boolean {
  const essence = (status: DeploymentStatus): string =>
    JSON.stringify([
      status.observedGeneration,
      status.replicas ?? 0,
      status.updatedReplicas ?? 0,
      status.readyReplicas ?? 0,
      status.availableReplicas ?? 0,
      status.unavailableReplicas ?? 0,
      [...(status.conditions ?? [])].sort((a, b) => (a.type < b.type ? -1 : 1)).map(({ type, status: state, reason, message }) => [type, state, reason, message]),
    ]);
  return old !== undefined && essence(old) === essence(next);
}
