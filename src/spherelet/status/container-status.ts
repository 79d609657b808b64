import { fromTimestamp } from "../../base/timestamp.js";
import type { ContainerStatus as AgentStatus, Terminated } from "../../gen/spheresim/crx/v1/agent.js";
import type { Timestamp } from "../../gen/google/protobuf/timestamp.js";
import type { Container, ContainerState, ContainerStatus } from "../../kubernetes/container.js";
import { formatTime } from "../../kubernetes/timestamp.js";

/** Why a container does not run yet (core/v1 ContainerStateWaiting). */
export interface WaitingReason {
  readonly reason: string;
  readonly message?: string;
}

/** What is known of one container when its status is written. */
export interface ContainerFacts {
  readonly container: Container;
  /** Image object the container runs from, where there is one. */
  readonly imageObject: string | undefined;
  /** The agent's word; undefined while the agent has none. */
  readonly agent: AgentStatus | undefined;
  /** The status the pod has now. */
  readonly previous: ContainerStatus | undefined;
  /** What it waits for while the agent has no word. */
  readonly waiting: WaitingReason;
  /** Emulated time. */
  readonly nowMs: number;
}

/** The status of one container as the API server is to hold it. */
export function containerStatusOf(facts: ContainerFacts): ContainerStatus {
  const { agent, previous } = facts;
  if (agent === undefined) return withoutAgent(facts);
  const state = stateOf(agent);
  return {
    name: facts.container.name,
    image: agent.image === "" ? (facts.container.image ?? "") : agent.image,
    imageID: agent.imageId === "" ? (facts.imageObject ?? "") : agent.imageId,
    ...(agent.containerId === "" ? {} : { containerID: agent.containerId }),
    ready: agent.ready,
    started: agent.started,
    restartCount: agent.restartCount,
    state,
    ...resourcesIn(facts.container, agent),
    lastState: agent.lastTermination === undefined ? lostLife(agent, previous, facts.nowMs) : { terminated: terminatedOf(agent.lastTermination) },
  };
}

/** What a running container was given, as a node agent that can resize containers reports it (InPlacePodVerticalScaling); mounts always. */
function resourcesIn({ resources, volumeMounts }: Container, agent: AgentStatus): Partial<ContainerStatus> {
  const { requests, limits } = resources ?? {};
  const isRunning = agent.state?.$case === "running";
  const isAsking = requests !== undefined || limits !== undefined;
  return {
    ...(isRunning && requests !== undefined ? { allocatedResources: requests } : {}),
    ...(isRunning && isAsking ? { resources: { ...(limits === undefined ? {} : { limits }), ...(requests === undefined ? {} : { requests }) } } : {}),
    ...(volumeMounts === undefined || volumeMounts.length === 0
      ? {}
      : { volumeMounts: volumeMounts.map(({ name, mountPath, readOnly }) => ({ name, mountPath, ...(readOnly === true ? { readOnly, recursiveReadOnly: "Disabled" } : {}) })) }),
  };
}

/** Before the agent knows the container it waits; one that ran in a former life keeps its status, no longer ready. */
function withoutAgent({ container, imageObject, previous, waiting }: ContainerFacts): ContainerStatus {
  if (previous?.state?.terminated !== undefined) return previous;
  if (previous?.state?.running !== undefined) return { ...previous, ready: false };
  return {
    name: container.name,
    image: container.image ?? "",
    imageID: previous?.imageID ?? imageObject ?? "",
    ...(previous?.containerID === undefined ? {} : { containerID: previous.containerID }),
    ready: false,
    started: false,
    restartCount: previous?.restartCount ?? 0,
    state: { waiting },
    lastState: previous?.lastState ?? {},
  };
}

/**
 * How the container ended the last time, where the agent cannot know it: its VM lost power under it. A container runtime that finds
 * a container gone after a restart says 255, `Unknown`.
 */
function lostLife(agent: AgentStatus, previous: ContainerStatus | undefined, nowMs: number): ContainerState {
  if (previous === undefined || agent.restartCount === 0) return {};
  const { running, terminated } = previous.state ?? {};
  if (previous.containerID === agent.containerId) return previous.lastState ?? {};
  if (terminated !== undefined) return { terminated };
  if (running === undefined) return previous.lastState ?? {};
  return {
    terminated: {
      exitCode: 255,
      reason: "Unknown",
      ...(running.startedAt === undefined ? {} : { startedAt: running.startedAt }),
      finishedAt: formatTime(nowMs),
      ...(previous.containerID === undefined ? {} : { containerID: previous.containerID }),
    },
  };
}

function stateOf(agent: AgentStatus): ContainerState {
  switch (agent.state?.$case) {
    case "running":
      return { running: { ...timeField("startedAt", agent.state.value.startedAt) } };
    case "terminated":
      return { terminated: terminatedOf(agent.state.value) };
    case "waiting": {
      const { reason, message } = agent.state.value;
      return { waiting: { reason, ...(message === "" ? {} : { message }) } };
    }
    case undefined:
      return { waiting: { reason: "ContainerCreating" } };
  }
}

/** A kubelet, which has the word of a container runtime (CRI ContainerStatus), knows of a signal by the exit code alone. */
function terminatedOf(ended: Terminated): NonNullable<ContainerState["terminated"]> {
  return {
    exitCode: ended.exitCode,
    ...(ended.reason === "" ? {} : { reason: ended.reason }),
    ...(ended.message === "" ? {} : { message: ended.message }),
    ...timeField("startedAt", ended.startedAt),
    ...timeField("finishedAt", ended.finishedAt),
    ...(ended.containerId === "" ? {} : { containerID: ended.containerId }),
  };
}

function timeField<K extends string>(field: K, time: Timestamp | undefined): Partial<Record<K, string>> {
  if (time === undefined) return {};
  return { [field]: formatTime(fromTimestamp(time)) } as Record<K, string>;
}
