import type { Condition } from "../kubernetes/condition.js";
import { findCondition, withCondition } from "../kubernetes/condition.js";
import { formatTime, parseTime } from "../kubernetes/timestamp.js";
import type { Deployment, DeploymentStatus, ReplicaSet } from "../kubernetes/workload.js";
import { rollingBounds, sumOf, wantedReplicas } from "./rolling-update.js";

/** Without `spec.progressDeadlineSeconds` a rollout has ten minutes from its last progress. */
const DEFAULT_PROGRESS_DEADLINE_S = 600;

/** The figures `rollout status` and `kubectl wait` read, without conditions. */
export function deploymentFigures(deployment: Deployment, all: readonly ReplicaSet[], current: ReplicaSet | undefined): DeploymentStatus {
  const replicas = sumOf(all, (replicaSet) => replicaSet.status?.replicas ?? 0);
  const availableReplicas = sumOf(all, (replicaSet) => replicaSet.status?.availableReplicas ?? 0);
  const wantedTotal = sumOf(all, (replicaSet) => replicaSet.spec.replicas ?? 1);
  return {
    observedGeneration: deployment.metadata.generation ?? 0,
    replicas,
    updatedReplicas: current?.status?.replicas ?? 0,
    readyReplicas: sumOf(all, (replicaSet) => replicaSet.status?.readyReplicas ?? 0),
    availableReplicas,
    unavailableReplicas: Math.max(0, wantedTotal - availableReplicas),
    ...(deployment.status?.collisionCount === undefined ? {} : { collisionCount: deployment.status.collisionCount }),
  };
}

/** All pods are of the new template, available, and no old one is left. */
export function isComplete(deployment: Deployment, figures: DeploymentStatus): boolean {
  const wanted = wantedReplicas(deployment.spec);
  return figures.updatedReplicas === wanted && figures.replicas === wanted && figures.availableReplicas === wanted;
}

function hasProgressed(old: DeploymentStatus | undefined, now: DeploymentStatus): boolean {
  const figure = (status: DeploymentStatus | undefined, name: "updatedReplicas" | "readyReplicas" | "availableReplicas" | "replicas"): number => status?.[name] ?? 0;
  return (
    figure(now, "updatedReplicas") > figure(old, "updatedReplicas") ||
    figure(now, "replicas") - figure(now, "updatedReplicas") < figure(old, "replicas") - figure(old, "updatedReplicas") ||
    figure(now, "readyReplicas") > figure(old, "readyReplicas") ||
    figure(now, "availableReplicas") > figure(old, "availableReplicas")
  );
}

/** The Progressing condition; an unchanged status with a newer update time still moves the deadline. */
export function progressing(status: "True" | "False" | "Unknown", reason: string, message: string, nowMs: number, conditions: readonly Condition[] | undefined): readonly Condition[] {
  const now = formatTime(nowMs);
  const old = findCondition(conditions, "Progressing");
  const next = { type: "Progressing", status, reason, message, lastUpdateTime: now, lastTransitionTime: old?.status === status ? (old.lastTransitionTime ?? now) : now };
  return [...(conditions ?? []).filter(({ type }) => type !== "Progressing"), next];
}

/**
 * Status with conditions in the real controller's words, and after how many milliseconds the progress deadline has to be
 * looked at again (absent when nothing is being waited for).
 */
export function deploymentStatus(deployment: Deployment, all: readonly ReplicaSet[], current: ReplicaSet | undefined, nowMs: number): { readonly status: DeploymentStatus; readonly deadlineInMs?: number } {
  const figures = deploymentFigures(deployment, all, current);
  const minAvailable = wantedReplicas(deployment.spec) - rollingBounds(deployment.spec).maxUnavailable;
  const isAvailable = (figures.availableReplicas ?? 0) >= minAvailable;
  const now = formatTime(nowMs);
  let conditions = withCondition(deployment.status?.conditions, {
    type: "Available",
    status: isAvailable ? "True" : "False",
    reason: isAvailable ? "MinimumReplicasAvailable" : "MinimumReplicasUnavailable",
    message: isAvailable ? "Deployment has minimum availability." : "Deployment does not have minimum availability.",
    lastUpdateTime: now,
    lastTransitionTime: now,
  });

  const old = findCondition(deployment.status?.conditions, "Progressing");
  const wasComplete = old?.reason === "NewReplicaSetAvailable";
  const name = current === undefined ? `Deployment "${deployment.metadata.name}"` : `ReplicaSet "${current.metadata.name}"`;
  let deadlineInMs: number | undefined;
  const deadlineMs = (deployment.spec.progressDeadlineSeconds ?? DEFAULT_PROGRESS_DEADLINE_S) * 1000;
  if (deployment.spec.paused === true || old?.reason === "DeploymentPaused") {
    // A pause stops the deadline; pausing and resuming write their own reasons.
  } else if (wasComplete && figures.replicas === figures.updatedReplicas) {
    // A finished rollout that is only being resized, or whose pods come and go, stays finished.
  } else if (isComplete(deployment, figures) && !wasComplete) {
    conditions = progressing("True", "NewReplicaSetAvailable", `${name} has successfully progressed.`, nowMs, conditions);
  } else if (!isComplete(deployment, figures) && hasProgressed(deployment.status, figures)) {
    conditions = progressing("True", "ReplicaSetUpdated", `${name} is progressing.`, nowMs, conditions);
  } else if (!isComplete(deployment, figures) && old !== undefined && !wasComplete && old.reason !== "ProgressDeadlineExceeded") {
    deadlineInMs = (parseTime(old.lastUpdateTime) ?? nowMs) + deadlineMs - nowMs;
    if (deadlineInMs < 0) {
      conditions = progressing("False", "ProgressDeadlineExceeded", `${name} has timed out progressing.`, nowMs, conditions);
      deadlineInMs = undefined;
    }
  }
  if (deadlineInMs === undefined && findCondition(conditions, "Progressing")?.reason === "ReplicaSetUpdated") deadlineInMs = deadlineMs;

  // What keeps pods from being made shows at the Deployment too.
  const failure = findCondition(current?.status?.conditions, "ReplicaFailure");
  conditions = failure === undefined ? conditions.filter(({ type }) => type !== "ReplicaFailure") : withCondition(conditions, failure);
  return { status: { ...figures, conditions }, ...(deadlineInMs === undefined ? {} : { deadlineInMs: deadlineInMs + 1000 }) };
}
