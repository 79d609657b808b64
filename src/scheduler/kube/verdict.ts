import type { Pod } from "../../kubernetes/pod.js";

/** What was decided about one node in one attempt. */
export interface NodeVerdict {
  readonly node: string;
  /** On the curated list. */
  readonly feasible: boolean;
  /** The plugin that ruled it out; empty for a feasible node. */
  readonly plugin: string;
  /** In kube-scheduler's words. */
  readonly reasons: readonly string[];
  /** All that would have to change for the node to pass; empty where nothing would do, and beyond the first nodes of many. */
  readonly wouldPassIf: readonly string[];
  /** 0 to 100: what Kubernetes alone thinks of it, the weighted mean of `scores`; 0 for a node ruled out. */
  readonly score: number;
  /** By plugin. */
  readonly scores: Readonly<Record<string, number>>;
  /** Why the extender ruled out a feasible node. */
  readonly extenderReason?: string;
}

export type AttemptOutcome = "assigned" | "unschedulable" | "error";

/** Step 3 for one pod, before anybody is asked to choose. Times are emulated. */
export interface FilteredPod {
  readonly pod: Pod;
  /** From 1. */
  readonly attempt: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly verdicts: readonly NodeVerdict[];
  /** Reasons against the pod as a whole, whatever the nodes. */
  readonly preFilterReasons: readonly string[];
}

/** One attempt at finding a node for a pod: step 3 with each node's verdict, and how it went on. Times are emulated. */
export interface SchedulingAttempt {
  readonly podUid: string;
  readonly namespace: string;
  readonly name: string;
  /** From 1. */
  readonly attempt: number;
  readonly startMs: number;
  /** When the curated list stood. */
  readonly filteredMs: number;
  readonly verdicts: readonly NodeVerdict[];
  /** Reasons against the pod as a whole, whatever the nodes. */
  readonly preFilterReasons: readonly string[];
  readonly outcome: AttemptOutcome;
  /** The chosen node; absent unless assigned. */
  readonly node?: string;
  /** The FailedScheduling text, or who chose. */
  readonly message: string;
}

/** kube-scheduler's text for a pod without a node: `0/4 nodes are available: 1 Too many pods, 3 Insufficient cpu.` */
export function failureMessage(verdicts: readonly NodeVerdict[], preFilterReasons: readonly string[]): string {
  if (verdicts.length === 0) return "no nodes available to schedule pods";
  if (preFilterReasons.length > 0) return `0/${verdicts.length} nodes are available: ${preFilterReasons.join(", ")}.`;
  return noNodesText(verdicts.map((verdict) => (verdict.extenderReason === undefined ? verdict.reasons : [verdict.extenderReason])));
}

/** The reasons against each node, counted: `0/2 nodes are available: 1 Insufficient cpu, 1 node(s) were unschedulable.` */
export function noNodesText(reasonsOfNodes: readonly (readonly string[])[]): string {
  const counts = new Map<string, number>();
  for (const reason of reasonsOfNodes.flat()) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  const texts = [...counts].map(([reason, count]) => `${count} ${reason}`).sort((a, b) => (a < b ? -1 : 1));
  return `0/${reasonsOfNodes.length} nodes are available: ${texts.join(", ")}.`;
}
