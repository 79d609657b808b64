import { matchesNodeSelector, matchesNodeSelectorAndAffinity, matchesNodeSelectorTerm, type NodeSelectorRequirement } from "../../../kubernetes/node-affinity.js";
import type { FilterPlugin, ScorePlugin } from "../plugin.js";
import { nodePasses, normalize } from "../plugin.js";

/** `spec.nodeSelector` and required node affinity filter; preferred node affinity scores. */
export const nodeAffinity: FilterPlugin & ScorePlugin = {
  name: "NodeAffinity",
  weight: 2,
  filter: ({ pod }, { node }) => (node !== undefined && matchesNodeSelectorAndAffinity(pod.spec, node) ? [] : ["node(s) didn't match Pod's node affinity/selector"]),
  wouldPassIf: ({ pod }, { node, name }) => {
    if (node === undefined) return [];
    const { nodeSelector, affinity } = pod.spec;
    const labels = Object.entries(nodeSelector ?? {}).filter(([key, value]) => node.metadata.labels?.[key] !== value).map(([key, value]) => `label ${key}=${value} on ${name}`);
    const required = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
    if (required === undefined || matchesNodeSelector(required, node)) return labels;
    // Labels can be set, the name of a node cannot.
    const reachable = required.nodeSelectorTerms.filter(({ matchExpressions = [], matchFields = [] }) => matchExpressions.length + matchFields.length > 0 && (matchFields.length === 0 || matchesNodeSelectorTerm({ matchFields }, node)));
    const terms = reachable.map(({ matchExpressions = [] }) => matchExpressions.map(requirementText).join(" and "));
    return [...labels, terms.length === 0 ? `a pod whose node affinity allows ${name}` : `labels on ${name} so that ${terms.join(", or ")}`];
  },
  helps: (event, pod) => nodePasses(nodeAffinity, event, pod),
  score: ({ pod }, nodes) => {
    const preferred = pod.spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
    const raw = nodes.map(({ node }) => preferred.filter((term) => node !== undefined && matchesNodeSelectorTerm(term.preference, node)).reduce((sum, term) => sum + term.weight, 0));
    return normalize(raw, false);
  },
};

/** As kubectl's selectors are written: `disk in (ssd,nvme)`, `!spot`. */
function requirementText({ key, operator, values = [] }: NodeSelectorRequirement): string {
  switch (operator) {
    case "In":
      return values.length === 1 ? `${key}=${values[0]}` : `${key} in (${values.join(",")})`;
    case "NotIn":
      return values.length === 1 ? `${key}!=${values[0]}` : `${key} notin (${values.join(",")})`;
    case "Exists":
      return key;
    case "DoesNotExist":
      return `!${key}`;
    case "Gt":
    case "Lt":
      return `${key} ${operator === "Gt" ? ">" : "<"} ${values.join(",")}`;
  }
}
