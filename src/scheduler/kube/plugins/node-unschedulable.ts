import { taintKeys, tolerates } from "../../../kubernetes/taint.js";
import type { FilterPlugin } from "../plugin.js";
import { nodePasses } from "../plugin.js";

/** `spec.unschedulable` of a node (`kubectl cordon`), unless the pod tolerates the taint of the same meaning. */
export const nodeUnschedulable: FilterPlugin = {
  name: "NodeUnschedulable",
  filter: ({ pod }, { node }) => {
    if (node?.spec?.unschedulable !== true) return [];
    const taint = { key: taintKeys.unschedulable, effect: "NoSchedule" } as const;
    return (pod.spec.tolerations ?? []).some((toleration) => tolerates(toleration, taint)) ? [] : ["node(s) were unschedulable"];
  },
  wouldPassIf: (usage, node) => (nodeUnschedulable.filter(usage, node).length === 0 ? [] : [`${node.name} uncordoned`]),
  helps: (event, pod) => nodePasses(nodeUnschedulable, event, pod),
};
