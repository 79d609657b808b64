export type TaintEffect = "NoSchedule" | "PreferNoSchedule" | "NoExecute";

/** `core/v1 Taint`: keeps pods off a node unless they tolerate it. */
export interface Taint {
  readonly key: string;
  readonly value?: string;
  readonly effect: TaintEffect;
  /** RFC 3339; set on NoExecute taints, from where tolerationSeconds count. */
  readonly timeAdded?: string;
}

/** `core/v1 Toleration`. No key with `Exists` tolerates everything; no effect means all effects. */
export interface Toleration {
  readonly key?: string;
  readonly operator?: "Exists" | "Equal";
  readonly value?: string;
  readonly effect?: TaintEffect;
  /** Of NoExecute only: how long the pod may stay; absent is for ever, zero or less is not at all. */
  readonly tolerationSeconds?: number;
}

/** Taint keys the node lifecycle controller and `kubectl cordon` lead to. */
export const taintKeys = {
  notReady: "node.kubernetes.io/not-ready",
  unreachable: "node.kubernetes.io/unreachable",
  unschedulable: "node.kubernetes.io/unschedulable",
} as const;

/** What an administrator puts on a node that will not come back: its pods need not wait for its agent any more (non-graceful node shutdown). */
export const outOfServiceTaint = "node.kubernetes.io/out-of-service";

/** Whether this toleration covers this taint. An operator we do not know covers nothing. */
export function tolerates(toleration: Toleration, taint: Pick<Taint, "key" | "value" | "effect">): boolean {
  if (toleration.effect !== undefined && (toleration.effect as string) !== "" && toleration.effect !== taint.effect) return false;
  const key = toleration.key ?? "";
  if (key !== "" && key !== taint.key) return false;
  switch ((toleration.operator as string | undefined) ?? "") {
    case "Exists":
      return true;
    case "Equal":
    case "":
      return key !== "" && (toleration.value ?? "") === (taint.value ?? "");
    default:
      return false;
  }
}

/** The first taint of one of the effects that no toleration covers. */
export function findUntoleratedTaint(taints: readonly Taint[] | undefined, tolerations: readonly Toleration[] | undefined, effects: readonly TaintEffect[]): Taint | undefined {
  return taints?.find((taint) => effects.includes(taint.effect) && !(tolerations ?? []).some((toleration) => tolerates(toleration, taint)));
}

/** `{key: value}`, as the scheduler's rejection text writes a taint. */
export function formatTaint(taint: Taint): string {
  return `{${taint.key}: ${taint.value ?? ""}}`;
}
