import type { ContainerState, ContainerStatus } from "../../kubernetes/container.js";
import type { Pod } from "../../kubernetes/pod.js";
import { isSidecar } from "../../kubernetes/pod-resources.js";

/** How a node agent tells of a container whose end nobody has seen, or that never came to have one, once its pod has ended. */
export const UNKNOWN_END = { exitCode: 137, reason: "ContainerStatusUnknown", message: "The container could not be located when the pod was terminated" } as const;

/** The containers of a pod that has ended. */
interface EndedContainers {
  readonly initStatuses: readonly ContainerStatus[];
  readonly statuses: readonly ContainerStatus[];
}

/**
 * Gives an end to containers of an ended pod that have none, so that nobody takes what was never seen for a success. What had no turn yet, for
 * init containers before it were at work, goes on waiting. `pod` is as the API server has it.
 *
 * Worked example: `setup` runs, `migrate` and `web` wait for it, the pod is deleted: `setup` has ended with 143, the other two wait. Without
 * init containers `web`, which waited for its ConfigMap, has ended with 137.
 */
export function withUnknownEnds(pod: Pod, initStatuses: readonly ContainerStatus[], statuses: readonly ContainerStatus[]): EndedContainers {
  const lastTried = initStatuses.findLastIndex(wasTried);
  return {
    initStatuses: initStatuses.map((status, index) => (index <= Math.max(0, lastTried) ? ended(status) : status)),
    statuses: wasInitialized(pod) ? statuses.map(ended) : statuses,
  };
}

function ended(status: ContainerStatus): ContainerStatus {
  return status.state?.terminated === undefined ? { ...status, ready: false, started: false, state: { terminated: UNKNOWN_END } } : status;
}

function wasTried({ state, lastState }: ContainerStatus): boolean {
  return state?.waiting === undefined || lastState?.terminated !== undefined;
}

/** Whether the containers of the pod had their turn. */
function wasInitialized({ spec, status }: Pod): boolean {
  const last = spec.initContainers?.at(-1);
  if (last === undefined || (status?.containerStatuses ?? []).some(wasTried)) return true;
  const { started, state, lastState }: Partial<ContainerStatus> = status?.initContainerStatuses?.find(({ name }) => name === last.name) ?? {};
  if (isSidecar(last)) return state?.running !== undefined && started === true;
  return [state, lastState].some((each: ContainerState | undefined) => each?.terminated?.exitCode === 0);
}
