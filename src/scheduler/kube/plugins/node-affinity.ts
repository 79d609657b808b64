import { matchesNodeSelectorAndAffinity, matchesNodeSelectorTerm } from "../../../kubernetes/node-affinity.js";
import type { FilterPlugin, ScorePlugin } from "../plugin.js";
import { nodePasses, normalize } from "../plugin.js";

/** `spec.nodeSelector` and required node affinity filter; preferred node affinity scores. */
export const nodeAffinity: FilterPlugin & ScorePlugin = {
  name: "NodeAffinity",
  weight: 2,
  filter: ({ pod }, { node }) => (node !== undefined && matchesNodeSelectorAndAffinity(pod.spec, node) ? [] : ["node(s) didn't match Pod's node affinity/selector"]),
  helps: (event, pod) => nodePasses(nodeAffinity, event, pod),
  score: ({ pod }, nodes) => {
    const preferred = pod.spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
    const raw = nodes.map(({ node }) => preferred.filter((term) => node !== undefined && matchesNodeSelectorTerm(term.preference, node)).reduce((sum, term) => sum + term.weight, 0));
    return normalize(raw, false);
  },
};
