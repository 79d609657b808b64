import type { Pod } from "../../kubernetes/pod.js";
import type { NodeInfo, PodUsage } from "./node-info.js";

/** What happened in the cluster that may let a waiting pod fit. */
export type ClusterEvent =
  | { readonly kind: "NodeAdded" | "NodeUpdated"; readonly node: NodeInfo }
  | { readonly kind: "AssignedPodDeleted"; readonly pod: Pod }
  | { readonly kind: "ExtenderChanged" };

/** Rules nodes out for a pod: the Filter point of kube-scheduler's framework. */
export interface FilterPlugin {
  /** As kube-scheduler names it. */
  readonly name: string;
  /** Rules out every node at once, whatever they offer; the texts stand in the message without a count. */
  preFilter?(pod: Pod): readonly string[];
  /** Reasons against the node, in kube-scheduler's words; none means that it fits. */
  filter(pod: PodUsage, node: NodeInfo): readonly string[];
  /** What would have to change, all of it, for `filter` to let the node pass; empty where it does. */
  wouldPassIf(pod: PodUsage, node: NodeInfo): readonly string[];
  /** Whether a pod this plugin refused is worth another try after the event (kube-scheduler's queueing hint). */
  helps(event: ClusterEvent, pod: PodUsage): boolean;
}

/** Rates the nodes that are left: the Score point. */
export interface ScorePlugin {
  readonly name: string;
  readonly weight: number;
  /** 0 to 100 per node, in the order given. */
  score(pod: PodUsage, nodes: readonly NodeInfo[]): readonly number[];
}

/** For plugins that look at nodes alone: a new or changed node helps when it would now pass. */
export function nodePasses(plugin: Pick<FilterPlugin, "filter">, event: ClusterEvent, pod: PodUsage): boolean {
  return (event.kind === "NodeAdded" || event.kind === "NodeUpdated") && plugin.filter(pod, event.node).length === 0;
}

/** Scales raw counts to 0..100 by the greatest; `reverse` makes the greatest count the worst. */
export function normalize(raw: readonly number[], reverse: boolean): readonly number[] {
  const greatest = Math.max(0, ...raw);
  if (greatest === 0) return raw.map(() => (reverse ? 100 : 0));
  return raw.map((value) => {
    const scaled = Math.floor((100 * value) / greatest);
    return reverse ? 100 - scaled : scaled;
  });
}
