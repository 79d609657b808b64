import type { Deployment, ReplicaSet } from "../kubernetes/workload.js";
import { rollingBounds, wantedReplicas } from "./rolling-update.js";

/** Annotations the Deployment controller writes; `kubectl rollout history` and `undo` read the first. */
export const annotationKeys = {
  revision: "deployment.kubernetes.io/revision",
  revisionHistory: "deployment.kubernetes.io/revision-history",
  desiredReplicas: "deployment.kubernetes.io/desired-replicas",
  maxReplicas: "deployment.kubernetes.io/max-replicas",
} as const;

/** What a ReplicaSet does not take over from its Deployment. */
const notCopied: ReadonlySet<string> = new Set(["kubectl.kubernetes.io/last-applied-configuration", "deprecated.deployment.rollback.to", ...Object.values(annotationKeys)]);

export function revisionOf(replicaSet: ReplicaSet): number {
  const revision = Number(replicaSet.metadata.annotations?.[annotationKeys.revision] ?? 0);
  return Number.isSafeInteger(revision) ? revision : 0;
}

/**
 * The annotations the current ReplicaSet should have. Going back to an older template gives its ReplicaSet the newest
 * number, and the one it had goes to its history.
 */
export function annotationsFor(deployment: Deployment, current: ReplicaSet | undefined, revision: number): Readonly<Record<string, string>> {
  const before = current?.metadata.annotations ?? {};
  const old = before[annotationKeys.revision];
  const isNewer = current === undefined || revisionOf(current) < revision;
  const history = old !== undefined && isNewer ? { [annotationKeys.revisionHistory]: [before[annotationKeys.revisionHistory], old].filter((part) => part !== undefined && part !== "").join(",") } : {};
  return {
    ...before,
    ...Object.fromEntries(Object.entries(deployment.metadata.annotations ?? {}).filter(([key]) => !notCopied.has(key))),
    ...history,
    [annotationKeys.revision]: isNewer ? String(revision) : old!,
    ...sizeAnnotations(deployment),
  };
}

/** What the Deployment wanted when a ReplicaSet was last scaled: by it a change of `spec.replicas` is recognised. */
export function sizeAnnotations(deployment: Deployment): Readonly<Record<string, string>> {
  const wanted = wantedReplicas(deployment.spec);
  return { [annotationKeys.desiredReplicas]: String(wanted), [annotationKeys.maxReplicas]: String(wanted + rollingBounds(deployment.spec).maxSurge) };
}
