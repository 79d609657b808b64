import type { ContainerStatus as AgentStatus } from "../../gen/spheresim/crx/v1/agent.js";
import { ContainerStatus, PodContainers, Terminated } from "../../gen/spheresim/crx/v1/agent.js";
import { toTimestamp } from "../../base/timestamp.js";
import type { ContainerStatus as KubernetesStatus } from "../../kubernetes/container.js";
import type { Pod } from "../../kubernetes/pod.js";
import { isSidecar } from "../../kubernetes/pod-resources.js";
import { parseTime } from "../../kubernetes/timestamp.js";
import type { Finished } from "../spec/start-request.js";
import { UNKNOWN_END } from "../status/unknown-ends.js";

/** What a pod's status tells about the lives its VM had before. */
export interface FormerLife {
  /** Whether any container was started before. */
  readonly existed: boolean;
  /** Where counting goes on, by container: one more than was counted for each that had been started, what it was for one that waited to come again. */
  readonly restartCounts: ReadonlyMap<string, number>;
  /** Containers that ended well and are let be. */
  readonly finished: Finished;
  /**
   * How the pod ended where nothing may start again: with restartPolicy Never once an app container was started or an init container has
   * failed, with OnFailure once all app containers ended well. Only sidecars were left.
   */
  readonly ended: PodContainers | undefined;
}

/**
 * Reads the former life from the API server's object, the only memory that outlives host and Spherelet.
 *
 * Example: `web` had a containerID and restartCount 2: it goes on with 3. A container that never started goes on with what it had.
 */
export function formerLifeOf(pod: Pod, nowMs: number): FormerLife {
  const { spec, status } = pod;
  const apps = status?.containerStatuses ?? [];
  const inits = status?.initContainerStatuses ?? [];
  const started = [...inits, ...apps].filter((each) => each.containerID !== undefined);
  const policy = spec.restartPolicy ?? "Always";
  const endedWell = apps.filter((each) => each.state?.terminated?.exitCode === 0);
  return {
    existed: started.length > 0,
    restartCounts: new Map([...inits, ...apps].flatMap((each) => {
      const count = each.containerID === undefined ? each.restartCount : each.restartCount + 1;
      return count === 0 ? [] : [[each.name, count] as const];
    })),
    finished: new Set(policy === "OnFailure" ? endedWell.map((each) => each.name) : []),
    ended: isOver(pod, inits, apps) ? endOf(pod, inits, apps, nowMs) : undefined,
  };
}

function isOver({ spec }: Pod, inits: readonly KubernetesStatus[], apps: readonly KubernetesStatus[]): boolean {
  if (spec.restartPolicy === "OnFailure") return apps.length > 0 && apps.every((each) => each.state?.terminated?.exitCode === 0);
  if (spec.restartPolicy !== "Never") return false;
  const sidecars = new Set((spec.initContainers ?? []).filter(isSidecar).map(({ name }) => name));
  return apps.some((each) => each.containerID !== undefined) || inits.some((each) => !sidecars.has(each.name) && (each.state?.terminated?.exitCode ?? 0) !== 0);
}

function endOf(pod: Pod, inits: readonly KubernetesStatus[], apps: readonly KubernetesStatus[], nowMs: number): PodContainers {
  return PodContainers.create({
    podUid: pod.metadata.uid,
    initContainers: inits.map((status) => (status.containerID === undefined ? neverRan(status) : ended(status, nowMs))),
    // Where one had started, the others are lost with it.
    containers: apps.map((status) => (apps.every((each) => each.containerID === undefined) ? neverRan(status) : ended(status, nowMs))),
  });
}

function neverRan({ name, image, imageID, restartCount, state }: KubernetesStatus): AgentStatus {
  const { reason = "PodInitializing", message = "" } = state?.waiting ?? {};
  return ContainerStatus.create({ name, image, imageId: imageID, restartCount, state: { $case: "waiting", value: { reason, message } } });
}

/** As it ended; what ran when the power went can no longer be found. */
function ended(status: KubernetesStatus, nowMs: number): AgentStatus {
  const before = status.state?.terminated;
  const startedAtMs = parseTime(before?.startedAt ?? status.state?.running?.startedAt);
  const finishedAtMs = parseTime(before?.finishedAt) ?? nowMs;
  const terminated = Terminated.create({
    ...(before === undefined ? UNKNOWN_END : { exitCode: before.exitCode, reason: before.reason ?? UNKNOWN_END.reason, message: before.message ?? "" }),
    ...(startedAtMs === undefined ? {} : { startedAt: toTimestamp(startedAtMs) }),
    finishedAt: toTimestamp(finishedAtMs),
    containerId: status.containerID ?? "",
  });
  return ContainerStatus.create({
    name: status.name,
    containerId: status.containerID ?? "",
    image: status.image,
    imageId: status.imageID,
    restartCount: status.restartCount,
    state: { $case: "terminated", value: terminated },
  });
}
