import type { LabelRequirement } from "./label-selector.js";
import { matchesRequirement } from "./label-selector.js";
import type { Node } from "./node.js";

/** `core/v1 NodeAffinity`. */
export interface NodeAffinity {
  readonly requiredDuringSchedulingIgnoredDuringExecution?: NodeSelector;
  readonly preferredDuringSchedulingIgnoredDuringExecution?: readonly PreferredSchedulingTerm[];
}

/** The terms are alternatives. */
export interface NodeSelector {
  readonly nodeSelectorTerms: readonly NodeSelectorTerm[];
}

/** All expressions and fields must hold; a term with neither matches no node. */
export interface NodeSelectorTerm {
  readonly matchExpressions?: readonly NodeSelectorRequirement[];
  /** `metadata.name` is the only field. */
  readonly matchFields?: readonly NodeSelectorRequirement[];
}

export interface NodeSelectorRequirement {
  readonly key: string;
  readonly operator: "In" | "NotIn" | "Exists" | "DoesNotExist" | "Gt" | "Lt";
  readonly values?: readonly string[];
}

export interface PreferredSchedulingTerm {
  /** 1 to 100. */
  readonly weight: number;
  readonly preference: NodeSelectorTerm;
}

const operators: Readonly<Record<string, LabelRequirement["operator"]>> = { In: "in", NotIn: "notin", Exists: "exists", DoesNotExist: "doesNotExist", Gt: "gt", Lt: "lt" };

function holds(requirement: NodeSelectorRequirement, values: Readonly<Record<string, string>>): boolean {
  const operator = operators[requirement.operator];
  return operator !== undefined && matchesRequirement({ key: requirement.key, operator, values: requirement.values ?? [] }, values);
}

/** Whether the node satisfies this term. */
export function matchesNodeSelectorTerm(term: NodeSelectorTerm, node: Node): boolean {
  const expressions = term.matchExpressions ?? [];
  const fields = term.matchFields ?? [];
  if (expressions.length === 0 && fields.length === 0) return false;
  return (
    expressions.every((requirement) => holds(requirement, node.metadata.labels ?? {})) &&
    fields.every((requirement) => requirement.key === "metadata.name" && holds(requirement, { "metadata.name": node.metadata.name }))
  );
}

/** Whether the node satisfies any of the terms. */
export function matchesNodeSelector(selector: NodeSelector, node: Node): boolean {
  return selector.nodeSelectorTerms.some((term) => matchesNodeSelectorTerm(term, node));
}

/** Whether `spec.nodeSelector` and the required node affinity both hold on the node. */
export function matchesNodeSelectorAndAffinity(
  spec: { readonly nodeSelector?: Readonly<Record<string, string>>; readonly affinity?: { readonly nodeAffinity?: NodeAffinity } },
  node: Node,
): boolean {
  const labels = node.metadata.labels ?? {};
  if (!Object.entries(spec.nodeSelector ?? {}).every(([key, value]) => labels[key] === value)) return false;
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return required === undefined || matchesNodeSelector(required, node);
}
