import type { Node } from "../../kubernetes/node.js";
import { addAmounts, amountsOf, podRequests, subtractAmounts, type ResourceAmounts } from "../../kubernetes/pod-resources.js";
import { isTerminal, type Pod, type PodSpec } from "../../kubernetes/pod.js";

/** One resource of which a node has too little left; millicores, bytes or pieces. */
export interface Lack {
  readonly resource: string;
  readonly requested: bigint;
  readonly used: bigint;
  readonly capacity: bigint;
}

/** The order in which a kubelet looks at resources; all others come after these. */
const FIRST = ["cpu", "memory", "ephemeral-storage"];

/**
 * What the pods that a host has taken on request of its Node's allocatable resources, as kube-scheduler's NodeResourcesFit counts it. Pods that have
 * ended request nothing. What their VMs reserve of the host, in MHz and MB, is HostD's to count.
 *
 * Example: 16 cores, a pod of 10 is here; one of 7 lacks cpu: requested 7000, used 10000, capacity 16000.
 */
export class NodeRoom {
  readonly #taken = new Map<string, ResourceAmounts>();
  #used: ResourceAmounts = new Map();

  has({ metadata }: Pod): boolean {
    return this.#taken.has(metadata.uid);
  }

  take({ metadata, spec }: Pod): void {
    if (this.#taken.has(metadata.uid)) return;
    const requests = podRequests(spec);
    this.#taken.set(metadata.uid, requests);
    this.#used = addAmounts(this.#used, requests);
  }

  leave(uid: string): void {
    const requests = this.#taken.get(uid);
    if (requests === undefined) return;
    this.#taken.delete(uid);
    this.#used = subtractAmounts(this.#used, requests);
  }

  /** Only these pods are there, and of them those that have not ended. */
  confine(pods: readonly Pod[]): void {
    const there = new Set(pods.filter((pod) => !isTerminal(pod)).map(({ metadata }) => metadata.uid));
    for (const uid of this.#taken.keys()) if (!there.has(uid)) this.leave(uid);
  }

  /** What the node lacks for one more pod, in the kubelet's order. A resource of its own that the node does not know is not asked for. */
  lacks(spec: PodSpec, node: Node): readonly Lack[] {
    const allocatable = amountsOf(node.status?.allocatable);
    const requests = podRequests(spec);
    const others = [...requests.keys()].filter((resource) => !FIRST.includes(resource) && (allocatable.has(resource) || !resource.includes("/"))).sort();
    const pods: Lack = { resource: "pods", requested: 1n, used: BigInt(this.#taken.size), capacity: allocatable.get("pods") ?? 0n };
    const amounts = [...FIRST, ...others].map((resource): Lack => ({ resource, requested: requests.get(resource) ?? 0n, used: this.#used.get(resource) ?? 0n, capacity: allocatable.get(resource) ?? 0n }));
    return [pods, ...amounts].filter(({ requested, used, capacity }) => requested > 0n && requested > capacity - used);
  }
}
