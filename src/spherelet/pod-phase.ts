import type { Container, ContainerStatus } from "../kubernetes/container.js";
import type { PodPhase, PodSpec } from "../kubernetes/pod.js";
import { isSidecar } from "../kubernetes/pod-resources.js";

/** Whether an init container has done its part: ended well, or, for a sidecar, started. */
export function isInitialized(container: Container, status: ContainerStatus | undefined): boolean {
  if (isSidecar(container)) return status?.started === true;
  return status?.state?.terminated?.exitCode === 0;
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
 * | all ended for good, a sidecar still runs | any | Running |
 */
export function phaseOf(spec: PodSpec, initStatuses: readonly ContainerStatus[], statuses: readonly ContainerStatus[], stoppedForGood: boolean): PodPhase {
  const phase = phaseByContainers(spec, initStatuses, statuses, stoppedForGood);
  const isOver = phase === "Succeeded" || phase === "Failed";
  return isOver && initStatuses.some((status) => status.state?.running !== undefined) ? "Running" : phase;
}

function phaseByContainers(spec: PodSpec, initStatuses: readonly ContainerStatus[], statuses: readonly ContainerStatus[], stoppedForGood: boolean): PodPhase {
  const policy = spec.restartPolicy ?? "Always";
  for (const container of spec.initContainers ?? []) {
    const status = initStatuses.find((each) => each.name === container.name);
    if (isInitialized(container, status)) continue;
    // A sidecar comes again whatever the pod's policy.
    const exitCode = isSidecar(container) ? 0 : (status?.state?.terminated?.exitCode ?? 0);
    if (exitCode !== 0 && (policy === "Never" || stoppedForGood)) return "Failed";
    // Once an app container is there, the init containers' part is over.
    if (!statuses.some((each) => each.state?.running !== undefined || each.state?.terminated !== undefined)) return "Pending";
  }
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
