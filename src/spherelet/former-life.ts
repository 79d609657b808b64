import type { ContainerStatus as AgentStatus } from "../gen/spheresim/crx/v1/agent.js";
import { ContainerStatus, PodContainers, Terminated } from "../gen/spheresim/crx/v1/agent.js";
import { toTimestamp } from "../base/timestamp.js";
import type { ContainerStatus as KubernetesStatus } from "../kubernetes/container.js";
import type { Pod } from "../kubernetes/pod.js";
import { parseTime } from "../kubernetes/timestamp.js";
import type { Finished } from "./start-request.js";

/** What a pod's status tells about the lives its VM had before. */
export interface FormerLife {
  /** Whether any container was started before. */
  readonly existed: boolean;
  /** Where counting goes on, by container: one more than was counted for each that had been started. */
  readonly restartCounts: ReadonlyMap<string, number>;
  /** Containers that ended well and are let be. */
  readonly finished: Finished;
  /** With restartPolicy Never nothing that was started may start again: how the pod then ended. */
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
    restartCounts: new Map(started.map((each) => [each.name, each.restartCount + 1])),
    finished: new Set(policy === "OnFailure" ? endedWell.map((each) => each.name) : []),
    ended: policy === "Never" && apps.some((each) => each.containerID !== undefined) ? endOf(pod, inits, apps, nowMs) : undefined,
  };
}

function endOf(pod: Pod, inits: readonly KubernetesStatus[], apps: readonly KubernetesStatus[], nowMs: number): PodContainers {
  return PodContainers.create({
    podUid: pod.metadata.uid,
    initContainers: inits.map((status) => ended(status, nowMs)),
    containers: apps.map((status) => ended(status, nowMs)),
  });
}

/** As a node agent tells of a container it can no longer find: 137, `ContainerStatusUnknown`. */
function ended(status: KubernetesStatus, nowMs: number): AgentStatus {
  const before = status.state?.terminated;
  const startedAtMs = parseTime(before?.startedAt ?? status.state?.running?.startedAt);
  const finishedAtMs = parseTime(before?.finishedAt) ?? nowMs;
  const terminated = Terminated.create({
    exitCode: before?.exitCode ?? 137,
    signal: before?.signal ?? 0,
    reason: before?.reason ?? "ContainerStatusUnknown",
    message: before?.message ?? (before === undefined ? "The container could not be located when the host came back. The container used to be Running" : ""),
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
