import type { Container, ContainerStatus } from "../../kubernetes/container.js";
import type { PodPhase, PodSpec } from "../../kubernetes/pod.js";
import { isSidecar } from "../../kubernetes/pod-resources.js";

/** Whether an init container has done its part: ended well, or, for a sidecar, started. */
export function isInitialized(container: Container, status: ContainerStatus | undefined): boolean {
  if (isSidecar(container)) return status?.started === true;
  return status?.state?.terminated?.exitCode === 0;
}

/** Whether a container was ever made in this life of the VM. */
export function wasCreated(status: ContainerStatus): boolean {
  return status.containerID !== undefined || status.state?.running !== undefined || status.state?.terminated !== undefined;
}

/**
 * The phase of a pod by the states of its containers (kubernetes.md 5.2).
 *
 * | containers | restartPolicy | phase |
 * |---|---|---|
 * | an init container is not done | any | Pending; Failed where it failed and the policy is Never |
 * | one was never started | any | Pending |
 * | one runs | any | Running |
 * | all ended | Always | Running, they come again |
 * | all ended well | OnFailure, Never | Succeeded |
 * | all ended, one badly | OnFailure | Running, it comes again |
 * | all ended, one badly | Never | Failed |
 * | all ended for good, a sidecar not yet | any | as before |
 * | stopped for good, and not all ended well | any | Failed |
 */
export function phaseOf(spec: PodSpec, initStatuses: readonly ContainerStatus[], statuses: readonly ContainerStatus[], stoppedForGood: boolean): PodPhase {
  const phase = phaseByContainers(spec, initStatuses, statuses, stoppedForGood);
  const isOver = phase === "Succeeded" || phase === "Failed";
  if (stoppedForGood) return isOver ? phase : "Failed";
  // What was made and has not ended: a pod is over with its last container.
  const lingers = initStatuses.some((status) => wasCreated(status) && status.state?.terminated === undefined);
  if (!isOver || !lingers) return phase;
  return statuses.some(wasCreated) ? "Running" : "Pending";
}

function phaseByContainers(spec: PodSpec, initStatuses: readonly ContainerStatus[], statuses: readonly ContainerStatus[], stoppedForGood: boolean): PodPhase {
  const policy = spec.restartPolicy ?? "Always";
  const open = (spec.initContainers ?? []).flatMap((container) => {
    const status = initStatuses.find((each) => each.name === container.name);
    return isInitialized(container, status) ? [] : [{ container, status }];
  });
  // A sidecar comes again whatever the pod's policy, and how it ended does not count.
  const failed = open.some(({ container, status }) => !isSidecar(container) && (status?.state?.terminated?.exitCode ?? 0) !== 0);
  if (failed && (policy === "Never" || stoppedForGood)) return "Failed";
  // Once an app container is there, the init containers' part is over.
  if (open.length > 0 && !statuses.some(wasCreated)) return "Pending";
  const running = statuses.filter((status) => status.state?.running !== undefined).length;
  const ended = statuses.filter((status) => status.state?.terminated !== undefined);
  const comingAgain = statuses.filter((status) => status.state?.waiting !== undefined && status.lastState?.terminated !== undefined);
  if (statuses.length > running + ended.length + comingAgain.length) return "Pending";
  if (running > 0) return "Running";
  const allWell = ended.length === statuses.length && ended.every((status) => status.state?.terminated?.exitCode === 0);
  if (stoppedForGood) return allWell ? "Succeeded" : "Failed";
  if (policy === "Always" || comingAgain.length > 0) return "Running";
  if (allWell) return "Succeeded";
  return policy === "Never" ? "Failed" : "Running";
}
