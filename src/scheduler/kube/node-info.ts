import type { Node } from "../../kubernetes/node.js";
import type { ResourceAmounts } from "../../kubernetes/pod-resources.js";
import { addAmounts, amountsOf, podRequests, podRequestsForScoring, subtractAmounts } from "../../kubernetes/pod-resources.js";
import { type Pod, podPriority } from "../../kubernetes/pod.js";

/** What one pod takes from its node, computed once. */
export interface PodUsage {
  readonly pod: Pod;
  readonly requests: ResourceAmounts;
  /** With stand-ins for what containers do not request. */
  readonly scoringRequests: ResourceAmounts;
}

export function usageOf(pod: Pod): PodUsage {
  return { pod, requests: podRequests(pod.spec), scoringRequests: podRequestsForScoring(pod.spec) };
}

/** A node as the scheduler sees it: what it offers, and what the pods bound or assumed there take. */
export class NodeInfo {
  readonly name: string;
  /** Undefined while only pods are known that name the node. */
  #node: Node | undefined;
  #allocatable: ResourceAmounts = new Map();
  #requested: ResourceAmounts = new Map();
  #scoringRequested: ResourceAmounts = new Map();
  readonly #pods = new Map<string, PodUsage>();

  constructor(name: string) {
    this.name = name;
  }

  get node(): Node | undefined {
    return this.#node;
  }

  set node(node: Node | undefined) {
    this.#node = node;
    this.#allocatable = amountsOf(node?.status?.allocatable);
  }

  get allocatable(): ResourceAmounts {
    return this.#allocatable;
  }

  get requested(): ResourceAmounts {
    return this.#requested;
  }

  get scoringRequested(): ResourceAmounts {
    return this.#scoringRequested;
  }

  get podCount(): number {
    return this.#pods.size;
  }

  /** Whether a pod of lower priority is here. */
  hasPodBelow(priority: number): boolean {
    for (const { pod } of this.#pods.values()) if (podPriority(pod) < priority) return true;
    return false;
  }

  /** The same node as it would be with every pod of lower priority gone. */
  withoutPodsBelow(priority: number): NodeInfo {
    const rest = new NodeInfo(this.name);
    rest.node = this.#node;
    for (const usage of this.#pods.values()) if (podPriority(usage.pod) >= priority) rest.add(usage);
    return rest;
  }

  /** Counts the pod in; a pod already there is counted anew. */
  add(usage: PodUsage): void {
    this.remove(usage.pod.metadata.uid);
    this.#pods.set(usage.pod.metadata.uid, usage);
    this.#requested = addAmounts(this.#requested, usage.requests);
    this.#scoringRequested = addAmounts(this.#scoringRequested, usage.scoringRequests);
  }

  remove(uid: string): boolean {
    const usage = this.#pods.get(uid);
    if (usage === undefined) return false;
    this.#pods.delete(uid);
    this.#requested = subtractAmounts(this.#requested, usage.requests);
    this.#scoringRequested = subtractAmounts(this.#scoringRequested, usage.scoringRequests);
    return true;
  }
}
