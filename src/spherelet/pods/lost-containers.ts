import { toTimestamp } from "../../base/timestamp.js";
import { type ContainerStatus, PodContainers, Terminated } from "../../gen/spheresim/crx/v1/agent.js";

/**
 * The containers of a VM that lost its guest, as their agent said last: what ran has ended, and nobody saw how. A container runtime that finds its
 * shim gone says 255, `Unknown`.
 */
export function lostContainers(last: PodContainers, nowMs: number): PodContainers {
  const lost = (status: ContainerStatus): ContainerStatus => {
    if (status.state?.$case !== "running") return status;
    const { startedAt } = status.state.value;
    const value = Terminated.create({ exitCode: 255, reason: "Unknown", startedAt, finishedAt: toTimestamp(nowMs), containerId: status.containerId });
    return { ...status, ready: false, started: false, state: { $case: "terminated", value } };
  };
  return PodContainers.create({ ...last, networkReady: false, initContainers: last.initContainers.map(lost), containers: last.containers.map(lost) });
}
