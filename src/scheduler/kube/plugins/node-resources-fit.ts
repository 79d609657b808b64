import type { NodeInfo } from "../node-info.js";
import type { FilterPlugin, ScorePlugin } from "../plugin.js";
import { nodePasses } from "../plugin.js";

const scored = ["cpu", "memory"] as const;

/**
 * Kubernetes' arithmetic of resources: requests of all pods on the node plus this pod's must stay within allocatable, and
 * the number of pods within allocatable `pods`. Scores by LeastAllocated: the mean free share of cpu and memory.
 *
 * Example: allocatable 16 cores and 64 GiB, 4 cores and 16 GiB requested with the pod counted in: 75 and 75, score 75.
 */
export const nodeResourcesFit: FilterPlugin & ScorePlugin = {
  name: "NodeResourcesFit",
  weight: 1,
  filter: ({ requests }, node) => {
    const reasons: string[] = [];
    if (node.podCount + 1 > Number(node.allocatable.get("pods") ?? 0n)) reasons.push("Too many pods");
    for (const [resource, amount] of requests) {
      if (amount > 0n && amount > free(node, resource)) reasons.push(`Insufficient ${resource}`);
    }
    return reasons;
  },
  helps: (event, pod) => {
    if (event.kind !== "AssignedPodDeleted") return nodePasses(nodeResourcesFit, event, pod);
    return true;
  },
  score: ({ scoringRequests }, nodes) =>
    nodes.map((node) => {
      const parts = scored.flatMap((resource) => {
        const capacity = node.allocatable.get(resource) ?? 0n;
        if (capacity === 0n) return [];
        const used = (node.scoringRequested.get(resource) ?? 0n) + (scoringRequests.get(resource) ?? 0n);
        return [used > capacity ? 0n : ((capacity - used) * 100n) / capacity];
      });
      return parts.length === 0 ? 0 : Number(parts.reduce((sum, part) => sum + part, 0n) / BigInt(parts.length));
    }),
};

function free(node: NodeInfo, resource: string): bigint {
  return (node.allocatable.get(resource) ?? 0n) - (node.requested.get(resource) ?? 0n);
}
