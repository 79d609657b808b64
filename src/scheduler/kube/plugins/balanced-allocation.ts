import type { ScorePlugin } from "../plugin.js";

/** Prefers nodes whose cpu and memory would be used in equal shares: 100 less the standard deviation of the two, in percent. */
export const balancedAllocation: ScorePlugin = {
  name: "NodeResourcesBalancedAllocation",
  weight: 1,
  score: ({ requests }, nodes) =>
    nodes.map((node) => {
      const share = (resource: string): number => {
        const capacity = Number(node.allocatable.get(resource) ?? 0n);
        return capacity === 0 ? 0 : Math.min(1, (Number(node.requested.get(resource) ?? 0n) + Number(requests.get(resource) ?? 0n)) / capacity);
      };
      return Math.floor((1 - Math.abs(share("cpu") - share("memory")) / 2) * 100);
    }),
};
