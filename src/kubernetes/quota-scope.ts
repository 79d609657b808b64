import type { ResourceQuotaSpec, ScopedResourceSelectorRequirement } from "./resource-policy.js";
import { qosClassOf } from "./qos-class.js";
import type { PodSpec } from "./pod.js";

/** The scopes of a quota as requirements; a bare scope must hold. */
export function scopesOf(spec: ResourceQuotaSpec | undefined): readonly ScopedResourceSelectorRequirement[] {
  return [...(spec?.scopes ?? []).map((scopeName) => ({ scopeName, operator: "Exists" as const })), ...(spec?.scopeSelector?.matchExpressions ?? [])];
}

/** Whether a quota with these scopes counts the pod: all of them must hold. Other kinds fall under no scope. */
export function isInScope(spec: ResourceQuotaSpec | undefined, pod: PodSpec | undefined): boolean {
  return scopesOf(spec).every((scope) => pod !== undefined && holds(scope, pod));
}

function holds({ scopeName, operator, values = [] }: ScopedResourceSelectorRequirement, pod: PodSpec): boolean {
  switch (scopeName) {
    case "Terminating":
      return isTerminating(pod);
    case "NotTerminating":
      return !isTerminating(pod);
    case "BestEffort":
      return qosClassOf(pod) === "BestEffort";
    case "NotBestEffort":
      return qosClassOf(pod) !== "BestEffort";
    case "PriorityClass":
      return isOfClass(pod.priorityClassName ?? "", operator, values);
    case "CrossNamespacePodAffinity":
      return hasCrossNamespaceAffinity(pod);
    default:
      return false;
  }
}

/** A pod with a deadline ends by itself. */
function isTerminating(pod: PodSpec): boolean {
  return (pod.activeDeadlineSeconds ?? -1) >= 0;
}

function isOfClass(name: string, operator: ScopedResourceSelectorRequirement["operator"], values: readonly string[]): boolean {
  if (operator === "Exists") return name !== "";
  if (operator === "DoesNotExist") return name === "";
  if (operator === "In") return name !== "" && values.includes(name);
  return name === "" || !values.includes(name);
}

interface Term {
  readonly namespaces?: readonly string[];
  readonly namespaceSelector?: object;
}

interface Terms {
  readonly requiredDuringSchedulingIgnoredDuringExecution?: readonly Term[];
  readonly preferredDuringSchedulingIgnoredDuringExecution?: readonly { readonly podAffinityTerm?: Term }[];
}

function hasCrossNamespaceAffinity({ affinity }: PodSpec): boolean {
  const { podAffinity, podAntiAffinity } = (affinity ?? {}) as { readonly podAffinity?: Terms; readonly podAntiAffinity?: Terms };
  const terms = [podAffinity, podAntiAffinity].flatMap((each) => [
    ...(each?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
    ...(each?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(({ podAffinityTerm }) => podAffinityTerm ?? {}),
  ]);
  return terms.some(({ namespaces = [], namespaceSelector }) => namespaces.length > 0 || namespaceSelector !== undefined);
}
