import { Quantity } from "../../../base/quantity.js";
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
  wouldPassIf: ({ requests }, node) => {
    const room = Number(node.allocatable.get("pods") ?? 0n);
    const changes = node.podCount + 1 > room ? [room > 0 ? `${counted(node.podCount + 1 - room, "pod")} fewer on ${node.name}` : `allocatable pods on ${node.name}`] : [];
    for (const [resource, amount] of requests) {
      const left = free(node, resource);
      if (amount === 0n || amount <= left) continue;
      changes.push(`${amountText(resource, amount - left)} more free ${resource} on ${node.name}${left > 0n ? `, or a pod that requests at most ${amountText(resource, left)}` : ""}`);
    }
    return changes;
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

/** In the words of a manifest: `500m`, `1536Mi`. */
function amountText(resource: string, amount: bigint): string {
  if (resource === "cpu") return Quantity.ofMilli(amount).toString();
  return Quantity.of(amount, resource === "memory" || resource === "ephemeral-storage" ? "BinarySI" : "DecimalSI").toString();
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

function free(node: NodeInfo, resource: string): bigint {
  return (node.allocatable.get(resource) ?? 0n) - (node.requested.get(resource) ?? 0n);
}
