import type { Condition } from "../../kubernetes/condition.js";
import { findCondition } from "../../kubernetes/condition.js";
import type { ContainerStatus } from "../../kubernetes/container.js";
import type { Pod, PodPhase } from "../../kubernetes/pod.js";
import { isSidecar } from "../../kubernetes/pod-resources.js";
import { formatTime } from "../../kubernetes/timestamp.js";
import { isInitialized, wasCreated } from "./pod-phase.js";

/** What the conditions follow from. */
export interface ConditionFacts {
  readonly pod: Pod;
  readonly phase: PodPhase;
  readonly initStatuses: readonly ContainerStatus[];
  readonly statuses: readonly ContainerStatus[];
  /** Whether the VM runs and its network is up. */
  readonly networkReady: boolean;
  /** Why nothing of the above can be trusted: the pod is then not ready, for this reason. */
  readonly trouble: { readonly reason: string; readonly message: string } | undefined;
  /** Emulated time. */
  readonly nowMs: number;
}

type Verdict = Pick<Condition, "status" | "reason" | "message">;

/** The conditions a Spherelet owns, in the order in which they become true; `PodScheduled` is the scheduler's and stays. */
export function podConditions(facts: ConditionFacts): readonly Condition[] {
  const containersReady = containersReadyOf(facts);
  const verdicts: readonly (readonly [string, Verdict])[] = [
    ["PodReadyToStartContainers", { status: facts.networkReady && !isOver(facts.phase) ? "True" : "False" }],
    ["Initialized", initializedOf(facts)],
    ["ContainersReady", containersReady],
    ["Ready", readyOf(facts, containersReady)],
  ];
  const now = formatTime(facts.nowMs);
  return verdicts.map(([type, verdict]) => {
    const old = findCondition(facts.pod.status?.conditions, type);
    const lastTransitionTime = old?.status === verdict.status ? (old.lastTransitionTime ?? now) : now;
    return { type, ...verdict, lastProbeTime: null, lastTransitionTime };
  });
}

function isOver(phase: PodPhase): boolean {
  return phase === "Succeeded" || phase === "Failed";
}

function initializedOf({ pod, phase, initStatuses, statuses }: ConditionFacts): Verdict {
  if (phase === "Succeeded") return { status: "True", reason: "PodCompleted" };
  if (statuses.some(wasCreated)) return { status: "True" };
  const open = (pod.spec.initContainers ?? []).filter((container) => !isInitialized(container, initStatuses.find((status) => status.name === container.name)));
  return open.length === 0 ? { status: "True" } : { status: "False", reason: "ContainersNotInitialized", message: `containers with incomplete status: ${listText(open)}` };
}

function containersReadyOf({ pod, phase, initStatuses, statuses, trouble }: ConditionFacts): Verdict {
  if (phase === "Succeeded") return { status: "False", reason: "PodCompleted" };
  if (phase === "Failed") return { status: "False", reason: "PodFailed" };
  if (trouble !== undefined) return { status: "False", reason: trouble.reason, message: trouble.message };
  const sidecars = (pod.spec.initContainers ?? []).filter(isSidecar);
  const all = [...initStatuses, ...statuses];
  const unready = [...sidecars, ...pod.spec.containers].filter((container) => all.find((status) => status.name === container.name)?.ready !== true);
  return unready.length === 0 ? { status: "True" } : { status: "False", reason: "ContainersNotReady", message: `containers with unready status: ${listText(unready)}` };
}

/** Ready is ContainersReady and every readiness gate, whose conditions other controllers write. */
function readyOf({ pod }: ConditionFacts, containersReady: Verdict): Verdict {
  if (containersReady.status !== "True") return containersReady;
  const complaints = (pod.spec.readinessGates ?? []).flatMap(({ conditionType }) => {
    const condition = findCondition(pod.status?.conditions, conditionType);
    if (condition === undefined) return [`corresponding condition of pod readiness gate "${conditionType}" does not exist.`];
    return condition.status === "True" ? [] : [`the status of pod readiness gate "${conditionType}" is not "True", but ${condition.status}`];
  });
  return complaints.length === 0 ? { status: "True" } : { status: "False", reason: "ReadinessGatesNotReady", message: complaints.join(", ") };
}

/** As Go prints a list of names: `[a b]`. */
function listText(containers: readonly { readonly name: string }[]): string {
  return `[${containers.map((container) => container.name).join(" ")}]`;
}
