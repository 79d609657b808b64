import { parseTime } from "../../kubernetes/timestamp.js";
import type { Cell, Column } from "../kinds/kind.js";
import { age, AGE_COLUMN, column, NAME_COLUMN, shortSpan, wideColumn } from "../kinds/object-columns.js";
import type { ApiObject } from "../object.js";

/** Columns of `kubectl get pods`. */
export const POD_COLUMNS: readonly Column[] = [
  NAME_COLUMN,
  column("Ready", "string", "The aggregate readiness state of this pod for accepting traffic."),
  column("Status", "string", "The aggregate status of the containers in this pod."),
  column("Restarts", "string", "The number of times the containers in this pod have been restarted and when the last container in this pod has restarted."),
  AGE_COLUMN,
  wideColumn("IP", "string", "IP address allocated to the pod."),
  wideColumn("Node", "string", "The node that runs the pod."),
  wideColumn("Nominated Node", "string", "The node whose pods may be evicted for this one."),
  wideColumn("Readiness Gates", "string", "Conditions beyond its containers that the pod waits for."),
];

interface State {
  readonly waiting?: { readonly reason?: string };
  readonly running?: { readonly startedAt?: string };
  readonly terminated?: { readonly reason?: string; readonly exitCode?: number; readonly signal?: number; readonly finishedAt?: string };
}

interface ContainerStatus {
  readonly name: string;
  readonly ready?: boolean;
  readonly started?: boolean;
  readonly restartCount?: number;
  readonly state?: State;
  readonly lastState?: State;
}

/** What a container that ended is called. */
function endOf(terminated: NonNullable<State["terminated"]>): string {
  if (terminated.reason) return terminated.reason;
  return terminated.signal ? `Signal:${terminated.signal}` : `ExitCode:${terminated.exitCode ?? 0}`;
}

function isSidecar(pod: ApiObject, name: string): boolean {
  const container = ((pod["spec"]?.initContainers ?? []) as { name: string; restartPolicy?: string }[]).find((candidate) => candidate.name === name);
  return container?.restartPolicy === "Always";
}

function isTrue(pod: ApiObject, type: string): boolean {
  return ((pod["status"]?.conditions ?? []) as { type: string; status: string }[]).some((condition) => condition.type === type && condition.status === "True");
}

/** The first init container that is not done, and what the Status cell says of it; undefined when all are. */
function unfinishedInit(pod: ApiObject): { readonly index: number; readonly text: string } | undefined {
  const statuses = (pod["status"]?.initContainerStatuses ?? []) as ContainerStatus[];
  const total = (pod["spec"]?.initContainers ?? []).length as number;
  for (const [index, status] of statuses.entries()) {
    const { terminated, waiting } = status.state ?? {};
    if (terminated?.exitCode === 0 && terminated) continue;
    if (isSidecar(pod, status.name) && status.started) continue;
    if (terminated) return { index, text: `Init:${endOf(terminated)}` };
    if (waiting?.reason && waiting.reason !== "PodInitializing") return { index, text: `Init:${waiting.reason}` };
    return { index, text: `Init:${index}/${total}` };
  }
  return undefined;
}

/** The Status cell of the app containers: the last one that has something to say wins, as upstream goes through them backwards. */
function containerStatus(pod: ApiObject, fallback: string): string {
  const statuses = (pod["status"]?.containerStatuses ?? []) as ContainerStatus[];
  let text = fallback;
  let isRunning = false;
  for (const status of [...statuses].reverse()) {
    const { waiting, terminated, running } = status.state ?? {};
    if (waiting?.reason) text = waiting.reason;
    else if (terminated) text = endOf(terminated);
    else if (status.ready && running) isRunning = true;
  }
  // Some ended well while others run: the pod runs.
  if (text === "Completed" && isRunning) return isTrue(pod, "Ready") ? "Running" : "NotReady";
  return text;
}

/** The Status cell of a pod. */
export function podStatusText(pod: ApiObject): string {
  const status = pod["status"] ?? {};
  let text: string = status.reason || status.phase || "";
  const conditions = (status.conditions ?? []) as { type: string; status: string; reason?: string }[];
  if (conditions.some((condition) => condition.type === "PodScheduled" && condition.reason === "SchedulingGated")) text = "SchedulingGated";
  const unfinished = unfinishedInit(pod);
  text = unfinished?.text ?? text;
  // Of a pod that was initialized before, containers are told first; a sidecar that fails shows while they have nothing to say.
  if (unfinished === undefined || isTrue(pod, "Initialized")) text = containerStatus(pod, text);
  if (pod.metadata.deletionTimestamp) {
    if (status.reason === "NodeLost") return "Unknown";
    if (status.phase !== "Failed" && status.phase !== "Succeeded") return "Terminating";
  }
  return text;
}

function restartsText(pod: ApiObject, nowMs: number): string {
  const status = pod["status"] ?? {};
  const unfinished = unfinishedInit(pod);
  const app = (status.containerStatuses ?? []) as ContainerStatus[];
  const init = ((status.initContainerStatuses ?? []) as ContainerStatus[]).slice(0, unfinished === undefined ? undefined : unfinished.index + 1);
  const counted = unfinished !== undefined && !isTrue(pod, "Initialized") ? init : [...app, ...init.filter((one) => isSidecar(pod, one.name))];
  const count = counted.reduce((sum, one) => sum + (one.restartCount ?? 0), 0);
  const ends = counted.map((one) => parseTime(one.lastState?.terminated?.finishedAt)).filter((ms) => ms !== undefined);
  if (count === 0 || ends.length === 0) return String(count);
  return `${count} (${shortSpan(nowMs - Math.max(...ends))} ago)`;
}

/** The cells of one pod. */
export function podCells(pod: ApiObject, nowMs: number): Cell[] {
  const status = pod["status"] ?? {};
  const app = (status.containerStatuses ?? []) as ContainerStatus[];
  const sidecars = ((status.initContainerStatuses ?? []) as ContainerStatus[]).filter((one) => isSidecar(pod, one.name));
  const total = (pod["spec"]?.containers ?? []).length + ((pod["spec"]?.initContainers ?? []) as { restartPolicy?: string }[]).filter((one) => one.restartPolicy === "Always").length;
  const ready = [...app, ...sidecars].filter((one) => one.ready && one.state?.running).length;
  const gates = (pod["spec"]?.readinessGates ?? []) as { conditionType: string }[];
  return [
    pod.metadata.name,
    `${ready}/${total}`,
    podStatusText(pod),
    restartsText(pod, nowMs),
    age(pod.metadata.creationTimestamp, nowMs),
    status.podIPs?.[0]?.ip ?? status.podIP ?? "<none>",
    pod["spec"]?.nodeName || "<none>",
    status.nominatedNodeName || "<none>",
    gates.length === 0 ? "<none>" : `${gates.filter((gate) => isTrue(pod, gate.conditionType)).length}/${gates.length}`,
  ];
}
