import type { NodeInfo, PodUsage } from "./node-info.js";
import type { FilterPlugin, ScorePlugin } from "./plugin.js";
import { balancedAllocation } from "./plugins/balanced-allocation.js";
import { nodeAffinity } from "./plugins/node-affinity.js";
import { nodeName } from "./plugins/node-name.js";
import { nodeResourcesFit } from "./plugins/node-resources-fit.js";
import { nodeUnschedulable } from "./plugins/node-unschedulable.js";
import { taintToleration } from "./plugins/taint-toleration.js";
import { unsupportedConstraints } from "./plugins/unsupported-constraints.js";
import type { NodeVerdict } from "./verdict.js";

/** In kube-scheduler's order; the first that refuses a node names the reasons. */
export const filterPlugins: readonly FilterPlugin[] = [unsupportedConstraints, nodeUnschedulable, nodeName, taintToleration, nodeAffinity, nodeResourcesFit];

export const scorePlugins: readonly ScorePlugin[] = [taintToleration, nodeAffinity, nodeResourcesFit, balancedAllocation];

/** Nodes of one attempt that are told what would have to change. */
const MOST_TOLD = 100;

const totalWeight = scorePlugins.reduce((sum, plugin) => sum + plugin.weight, 0);

/** Step 3 for one pod: each node's verdict, and the plugins that refused any. */
export interface Evaluation {
  readonly verdicts: readonly NodeVerdict[];
  readonly preFilterReasons: readonly string[];
  /** Names of feasible nodes: the curated list. */
  readonly feasible: readonly string[];
  readonly refusedBy: ReadonlySet<string>;
}

/** Runs all filters on all nodes, then all scores on those left. */
export function evaluate(pod: PodUsage, nodes: readonly NodeInfo[]): Evaluation {
  for (const plugin of filterPlugins) {
    const reasons = plugin.preFilter?.(pod.pod) ?? [];
    if (reasons.length === 0) continue;
    const verdicts = nodes.map(({ name }): NodeVerdict => ({ node: name, feasible: false, plugin: plugin.name, reasons, wouldPassIf: [], score: 0, scores: {} }));
    return { verdicts, preFilterReasons: reasons, feasible: [], refusedBy: new Set([plugin.name]) };
  }

  const refusedBy = new Set<string>();
  const refusals = nodes.map((node) => refusalOf(pod, node));
  const left = nodes.filter((_, at) => refusals[at] === undefined);
  const scores = scorePlugins.map((plugin) => plugin.score(pod, left));
  let next = 0;
  let told = 0;
  const verdicts = nodes.map((node, at): NodeVerdict => {
    const { name } = node;
    const refusal = refusals[at];
    if (refusal !== undefined) {
      refusedBy.add(refusal.plugin);
      told += 1;
      return { node: name, feasible: false, ...refusal, wouldPassIf: told > MOST_TOLD ? [] : wouldPassIf(pod, node), score: 0, scores: {} };
    }
    const mine = scorePlugins.map((plugin, index): [string, number] => [plugin.name, scores[index]![next]!]);
    next += 1;
    const sum = scorePlugins.reduce((total, plugin, index) => total + plugin.weight * mine[index]![1], 0);
    return { node: name, feasible: true, plugin: "", reasons: [], wouldPassIf: [], score: sum / totalWeight, scores: Object.fromEntries(mine) };
  });
  return { verdicts, preFilterReasons: [], feasible: left.map(({ name }) => name), refusedBy };
}

/** Why the pod does not fit the node; undefined when it does. */
export function refusalOf(pod: PodUsage, node: NodeInfo): { readonly plugin: string; readonly reasons: readonly string[] } | undefined {
  for (const plugin of filterPlugins) {
    const reasons = plugin.filter(pod, node);
    if (reasons.length > 0) return { plugin: plugin.name, reasons };
  }
  return undefined;
}

/**
 * All that would have to change for the node to pass every filter, not only the first that refuses it.
 *
 * Worked example: a pod of 2 cores that wants disk=ssd, on a cordoned n1 without that label and with half a core free: `n1 uncordoned`,
 * `label disk=ssd on n1`, `1500m more free cpu on n1, or a pod that requests at most 500m`.
 */
export function wouldPassIf(pod: PodUsage, node: NodeInfo): readonly string[] {
  return filterPlugins.flatMap((plugin) => plugin.wouldPassIf(pod, node));
}
