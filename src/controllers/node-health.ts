import type { Condition } from "../kubernetes/condition.js";
import { findCondition } from "../kubernetes/condition.js";
import type { Node } from "../kubernetes/node.js";
import type { Taint } from "../kubernetes/taint.js";
import { taintKeys } from "../kubernetes/taint.js";

/** Conditions the node agent reports; without a sign of life all become Unknown. */
const reported = ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"] as const;

/** The conditions of a node that has shown no sign of life, each Unknown since `now` (RFC 3339). */
export function unknownConditions(conditions: readonly Condition[] | undefined, now: string): readonly Condition[] {
  return reported.flatMap((type): Condition[] => {
    const old = findCondition(conditions, type);
    if (old?.status === "Unknown") return [];
    const never = old === undefined;
    return [
      {
        ...old,
        type,
        status: "Unknown",
        reason: never ? "NodeStatusNeverUpdated" : "NodeStatusUnknown",
        message: never ? "Kubelet never posted node status." : "Kubelet stopped posting node status.",
        lastTransitionTime: now,
      },
    ];
  });
}

/** Taints this controller alone puts on nodes and takes off. */
const managed: ReadonlySet<string> = new Set([...Object.values(taintKeys), "node.kubernetes.io/memory-pressure", "node.kubernetes.io/disk-pressure", "node.kubernetes.io/pid-pressure"]);

/**
 * The taints a node should carry by its conditions and its `spec.unschedulable`; others' taints stay, and so do ages.
 *
 * @param evicts false until it is the node's turn to be given up: then no pod is driven away yet
 */
export function taintsFor(node: Node, now: string, evicts = true): readonly Taint[] {
  const old = node.spec?.taints ?? [];
  const conditions = node.status?.conditions;
  const ready = findCondition(conditions, "Ready")?.status;
  const wanted: Taint[] = [];
  const key = ready === "Unknown" ? taintKeys.unreachable : ready === "False" ? taintKeys.notReady : undefined;
  if (key !== undefined) wanted.push({ key, effect: "NoSchedule" }, ...(evicts ? [{ key, effect: "NoExecute" } as const] : []));
  for (const [type, name] of [["MemoryPressure", "memory-pressure"], ["DiskPressure", "disk-pressure"], ["PIDPressure", "pid-pressure"]] as const) {
    if (findCondition(conditions, type)?.status === "True") wanted.push({ key: `node.kubernetes.io/${name}`, effect: "NoSchedule" });
  }
  if (node.spec?.unschedulable === true) wanted.push({ key: taintKeys.unschedulable, effect: "NoSchedule" });
  const same = (a: Taint, b: Taint): boolean => a.key === b.key && a.effect === b.effect;
  const kept = old.filter((taint) => !managed.has(taint.key) || wanted.some((candidate) => same(candidate, taint)));
  const fresh = wanted.filter((taint) => !kept.some((candidate) => same(candidate, taint)));
  return [...kept, ...fresh.map((taint): Taint => (taint.effect === "NoExecute" || taint.key === taintKeys.unschedulable ? { ...taint, timeAdded: now } : taint))];
}

/** Whether the pods of the node are being driven away because it is not Ready. */
export function isGivenUp(node: Node): boolean {
  return (node.spec?.taints ?? []).some(({ key, effect }) => effect === "NoExecute" && (key === taintKeys.unreachable || key === taintKeys.notReady));
}
