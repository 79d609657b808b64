import type { Node } from "../kubernetes/node.js";
import type { Pod } from "../kubernetes/pod.js";

/** A node Kubernetes finds fit for a pod, with what Kubernetes alone would think of it. */
export interface CuratedNode {
  readonly node: Node;
  /** 0 to 100, higher is better: the weighted mean of the scoring plugins. */
  readonly score: number;
}

/** Step 4 begins: the pod and its curated list. */
export interface FilterRequest {
  readonly pod: Pod;
  /** From 1; counts the times the pod was taken from the queue since the scheduler started. */
  readonly attempt: number;
  /** Never empty. */
  readonly nodes: readonly CuratedNode[];
}

/** Step 5: what is left of the curated list. The Pacific scheduler extension leaves one node, DRS' recommendation. */
export interface FilterAnswer {
  /** Names out of the request. */
  readonly nodes: readonly string[];
  /** Why the others are out, by node name; the text is counted into the FailedScheduling message. */
  readonly failedNodes: Readonly<Record<string, string>>;
  /** The question itself failed: the pod is tried again after its back-off, with reason SchedulerError. */
  readonly error?: string;
}

/** A pod with the node it is about to be bound to. */
export interface Placement {
  readonly pod: Pod;
  readonly node: string;
  readonly attempt: number;
}

/** How step 6 ended. */
export type BindOutcome = { readonly bound: true } | { readonly bound: false; readonly error: unknown };

/**
 * What joins a second scheduler to kube-scheduler: the verbs of the HTTP extender v1 (`filter`, `prioritize`, `bind`), and
 * hooks around them where the HTTP contract has none. An HTTP extender implements the verbs alone.
 *
 * For each pod, in this order: `filter` (or one `filterBatch` for several) and `prioritize` in the serial scheduling cycle;
 * then, concurrently with other pods, `reserve`, `preBind`, and the binding with `binding` called as it is sent. Whatever
 * fails before the pod is bound ends in `unreserve`, at most once per placement. After a bound outcome the pod is the
 * extender's to finish.
 */
export interface SchedulerExtender {
  /** Named in messages and logs. */
  readonly name: string;
  /** Shrinks the curated list of one pod. */
  filter(request: FilterRequest, signal: AbortSignal): Promise<FilterAnswer>;
  /** The same for several pods at once, answered in order; each must see the choices made for those before it. */
  filterBatch?(requests: readonly FilterRequest[], signal: AbortSignal): Promise<readonly FilterAnswer[]>;
  /** Scores 0 to 10 per node, counted ten times `weight`; asked only when more than one node is left. Its errors are ignored. */
  prioritize?(request: FilterRequest, signal: AbortSignal): Promise<ReadonlyMap<string, number>>;
  /** Multiplies `prioritize`; 1 when absent. */
  readonly weight?: number;
  /** The node is chosen and its capacity counted for the pod. A rejection gives the pod back to the queue. */
  reserve?(placement: Placement): Promise<void>;
  /** The placement will not happen: drop what `filter` or `reserve` keeps for it. Must not throw. */
  unreserve?(placement: Placement, cause: unknown): void;
  /** The last thing before the binding is sent; the binding waits for it. */
  preBind?(placement: Placement): Promise<void>;
  /**
   * Step 6 is being sent. Steps 7 to 10 begin here, concurrently with it: the extender awaits `outcome` when it has to know
   * (the annotations of step 10 belong on a bound pod only). The scheduler does not wait for what the extender starts.
   */
  binding?(placement: Placement, outcome: Promise<BindOutcome>): void;
  /** Binds in place of the scheduler's own `POST .../binding`. */
  bind?(placement: Placement): Promise<void>;
  /** Tells the scheduler that pods the extender refused may fit now (a host came back, a VM went away). Returns how to stop it. */
  subscribe?(capacityChanged: () => void): () => void;
}
