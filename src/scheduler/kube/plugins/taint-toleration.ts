import { findUntoleratedTaint, formatTaint, taintKeys, tolerates } from "../../../kubernetes/taint.js";
import type { FilterPlugin, ScorePlugin } from "../plugin.js";
import { nodePasses, normalize } from "../plugin.js";

/** NoSchedule and NoExecute taints filter; PreferNoSchedule taints score, the fewer untolerated the better. */
export const taintToleration: FilterPlugin & ScorePlugin = {
  name: "TaintToleration",
  weight: 3,
  filter: ({ pod }, { node }) => {
    const taint = findUntoleratedTaint(node?.spec?.taints, pod.spec.tolerations, ["NoSchedule", "NoExecute"]);
    return taint === undefined ? [] : [`node(s) had untolerated taint ${formatTaint(taint)}`];
  },
  wouldPassIf: ({ pod }, { node, name }) => {
    // The taint of a cordon goes with the cordon, which is told by its own plugin.
    const taints = (node?.spec?.taints ?? []).filter(({ key }) => node?.spec?.unschedulable !== true || key !== taintKeys.unschedulable);
    const refused = taints.filter((taint) => findUntoleratedTaint([taint], pod.spec.tolerations, ["NoSchedule", "NoExecute"]) !== undefined);
    return refused.map((taint) => `${name} without its taint ${formatTaint(taint)} (${taint.effect}), or a pod that tolerates it`);
  },
  helps: (event, pod) => nodePasses(taintToleration, event, pod),
  score: ({ pod }, nodes) => {
    const tolerations = (pod.spec.tolerations ?? []).filter(({ effect }) => effect === undefined || effect === "PreferNoSchedule");
    const raw = nodes.map(({ node }) => (node?.spec?.taints ?? []).filter((taint) => taint.effect === "PreferNoSchedule" && !tolerations.some((toleration) => tolerates(toleration, taint))).length);
    return normalize(raw, true);
  },
};
