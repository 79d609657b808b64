import type { PodContainers } from "../../gen/spheresim/crx/v1/agent.js";
import type { Condition } from "../../kubernetes/condition.js";
import { withCondition } from "../../kubernetes/condition.js";
import type { Container, ContainerStatus } from "../../kubernetes/container.js";
import type { Pod, PodPhase, PodStatus } from "../../kubernetes/pod.js";
import { formatTime } from "../../kubernetes/timestamp.js";
import type { WaitingReason } from "./container-status.js";
import { containerStatusOf } from "./container-status.js";
import { imageObjectsOf } from "../pods/pod-annotations.js";
import { podConditions } from "./pod-conditions.js";
import { phaseOf } from "./pod-phase.js";
import { withUnknownEnds } from "./unknown-ends.js";

/** Why a kubelet does not take a pod on. */
export type RejectionReason = "NodeAffinity" | "TaintToleration" | "PodOSNotSupported" | "PodOSSelectorNodeLabelDoesNotMatch" | "UnexpectedAdmissionError" | `OutOf${string}`;

/** `status.reason` of pods in trouble, as seen on real Supervisors (vsphere.md 1.3); the last ones are any kubelet's. */
export type TroubleReason = "PodVMAnnotationsMissing" | "AgentUnreachable" | "ProviderFailed" | "DeadlineExceeded" | RejectionReason;

/** Why a pod cannot be what its spec says. */
export interface Trouble {
  readonly reason: TroubleReason;
  readonly message: string;
  /** Nothing is tried any more: the phase is Failed. */
  readonly final: boolean;
  /** The host never took the pod on: of addresses, containers and conditions nothing is told. */
  readonly rejected?: boolean;
}

/** All that a pod's status follows from. */
export interface PodSituation {
  /** The pod as the API server holds it. */
  readonly pod: Pod;
  /** Address of the host. */
  readonly hostIp: string;
  /** Address of the pod, from the personality; undefined before it has one. */
  readonly podIp: string | undefined;
  /** What the agent says; undefined before StartPod and while the VM is gone. */
  readonly containers: PodContainers | undefined;
  /** What single containers wait for, where it is not the usual. */
  readonly waiting: ReadonlyMap<string, WaitingReason>;
  readonly trouble: Trouble | undefined;
  /** The containers were stopped, because the pod is being deleted or its time is over; nothing runs any more. */
  readonly stopped: boolean;
  /** Emulated time. */
  readonly nowMs: number;
}

/** The part of a pod's status that its Spherelet writes. `null` takes a field away. */
export interface OwnedStatus {
  readonly phase: PodPhase;
  readonly conditions: readonly Condition[];
  readonly reason: string | null;
  readonly message: string | null;
  readonly hostIP?: string;
  readonly hostIPs?: readonly { readonly ip: string }[];
  readonly podIP?: string;
  readonly podIPs?: readonly { readonly ip: string }[];
  readonly startTime: string;
  readonly containerStatuses: readonly ContainerStatus[];
  readonly initContainerStatuses?: readonly ContainerStatus[];
}

/** The status a pod should have (step 14). */
export function podStatusOf(situation: PodSituation): OwnedStatus {
  const { pod, containers, trouble, nowMs } = situation;
  const { spec, status } = pod;
  const imageObjects = imageObjectsOf(pod);
  const creating: WaitingReason = { reason: (spec.initContainers ?? []).length > 0 ? "PodInitializing" : "ContainerCreating" };
  const statusOf = (container: Container, agents: PodContainers["containers"], known: readonly ContainerStatus[]): ContainerStatus =>
    containerStatusOf({
      container,
      imageObject: imageObjects.get(container.name),
      agent: agents.find((each) => each.name === container.name),
      previous: known.find((each) => each.name === container.name),
      waiting: situation.waiting.get(container.name) ?? creating,
      nowMs,
    });
  const initKnown = (spec.initContainers ?? []).map((container) => statusOf(container, containers?.initContainers ?? [], status?.initContainerStatuses ?? []));
  const known = spec.containers.map((container) => statusOf(container, containers?.containers ?? [], status?.containerStatuses ?? []));
  const { initStatuses, statuses } = situation.stopped ? withUnknownEnds(pod, initKnown, known) : { initStatuses: initKnown, statuses: known };
  const phase = trouble?.final === true ? "Failed" : phaseOf(spec, initStatuses, statuses, situation.stopped);
  const podIp = situation.podIp ?? status?.podIP;
  const rejected = trouble?.rejected === true;
  // Without a VM there is nothing that containers could wait in: users see the pod's own reason.
  const told = rejected || trouble?.reason === "PodVMAnnotationsMissing" ? { containerStatuses: [], initContainerStatuses: [] } : { containerStatuses: statuses, initContainerStatuses: initStatuses };
  return {
    phase,
    conditions: rejected ? [] : podConditions({ pod, phase, initStatuses, statuses, networkReady: containers?.networkReady ?? false, trouble, nowMs }),
    reason: trouble?.reason ?? null,
    message: trouble?.message ?? null,
    ...(rejected ? {} : { hostIP: situation.hostIp, hostIPs: [{ ip: situation.hostIp }] }),
    ...(podIp === undefined ? {} : { podIP: podIp, podIPs: [{ ip: podIp }] }),
    startTime: status?.startTime ?? formatTime(nowMs),
    containerStatuses: told.containerStatuses,
    ...(told.initContainerStatuses.length === 0 ? {} : { initContainerStatuses: told.initContainerStatuses }),
  };
}

/** Whether the pod's status says already what `owned` says; empty and absent fields are the same, which an API server need not keep. */
export function isCurrent(status: PodStatus | undefined, owned: OwnedStatus): boolean {
  const current: Record<string, unknown> = { ...status };
  const wanted: Record<string, unknown> = { ...owned, conditions: withConditions(status?.conditions, owned.conditions) };
  return Object.keys(wanted).every((field) => saysTheSame(current[field], wanted[field]));
}

function withConditions(present: readonly Condition[] | undefined, owned: readonly Condition[]): readonly Condition[] {
  let merged = present ?? [];
  for (const condition of owned) merged = withCondition(merged, condition);
  return merged;
}

function saysTheSame(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (saysNothing(one) || saysNothing(other)) return saysNothing(one) && saysNothing(other);
  if (Array.isArray(one) || Array.isArray(other)) return Array.isArray(one) && Array.isArray(other) && one.length === other.length && one.every((each, index) => saysTheSame(each, other[index]));
  if (!isMap(one) || !isMap(other)) return false;
  return Object.keys(one).every((key) => saysTheSame(one[key], other[key])) && Object.keys(other).every((key) => key in one || saysNothing(other[key]));
}

/** Nulls, empty lists, and maps of nothing else. */
function saysNothing(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0;
  return isMap(value) ? Object.values(value).every(saysNothing) : value === null || value === undefined;
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
