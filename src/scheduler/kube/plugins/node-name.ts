import type { FilterPlugin } from "../plugin.js";
import { nodePasses } from "../plugin.js";

/** `spec.nodeName`. A pod that names its node never waits in the queue; the filter guards the rule all the same. */
export const nodeName: FilterPlugin = {
  name: "NodeName",
  filter: ({ pod }, node) => (pod.spec.nodeName === undefined || pod.spec.nodeName === "" || pod.spec.nodeName === node.name ? [] : ["node(s) didn't match the requested node name"]),
  wouldPassIf: (usage, node) => (nodeName.filter(usage, node).length === 0 ? [] : [`a pod whose spec.nodeName is ${node.name}, or empty`]),
  helps: (event, pod) => nodePasses(nodeName, event, pod),
};
