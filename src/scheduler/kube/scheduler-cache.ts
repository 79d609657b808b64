import type { Node } from "../../kubernetes/node.js";
import type { Pod } from "../../kubernetes/pod.js";
import type { PodUsage } from "./node-info.js";
import { NodeInfo, usageOf } from "./node-info.js";

/**
 * Nodes and what runs on them. A pod is *assumed* on its node from the moment the node is chosen, so that the next pod's
 * cycle counts it, until the watch shows it bound or its binding failed.
 *
 * Example: choose esxi-01 for pod a -> assume(a); the next pod sees a's requests there; the watch brings a with
 * spec.nodeName -> setPod(a), no longer assumed.
 */
export class SchedulerCache {
  readonly #nodes = new Map<string, NodeInfo>();
  /** The node each counted pod is on, by pod uid. */
  readonly #whereabouts = new Map<string, string>();
  readonly #assumed = new Set<string>();

  /** Nodes that exist, in the order they came. */
  nodes(): NodeInfo[] {
    return [...this.#nodes.values()].filter((info) => info.node !== undefined);
  }

  node(name: string): NodeInfo | undefined {
    const info = this.#nodes.get(name);
    return info?.node === undefined ? undefined : info;
  }

  setNode(node: Node): void {
    this.#info(node.metadata.name).node = node;
  }

  removeNode(name: string): void {
    const info = this.#nodes.get(name);
    if (info === undefined) return;
    info.node = undefined;
    this.#tidy(info);
  }

  isAssumed(uid: string): boolean {
    return this.#assumed.has(uid);
  }

  /** Counts a pod on a node before the API server knows of it. */
  assume(usage: PodUsage, node: string): void {
    this.#count(usage, node);
    this.#assumed.add(usage.pod.metadata.uid);
  }

  /** Takes an assumed pod back; one the watch has confirmed meanwhile stays. */
  forget(uid: string): void {
    if (this.#assumed.has(uid)) this.removePod(uid);
  }

  /** Counts a pod the API server has bound. */
  setPod(pod: Pod): void {
    const { uid } = pod.metadata;
    const node = pod.spec.nodeName!;
    // Neither node nor resources of a bound pod change, so a confirmed one needs no second count.
    if (!this.#assumed.delete(uid) && this.#whereabouts.get(uid) === node) return;
    this.#count(usageOf(pod), node);
  }

  /** Whether the pod was counted. */
  removePod(uid: string): boolean {
    this.#assumed.delete(uid);
    const name = this.#whereabouts.get(uid);
    if (name === undefined) return false;
    this.#whereabouts.delete(uid);
    const info = this.#nodes.get(name);
    info?.remove(uid);
    if (info !== undefined) this.#tidy(info);
    return true;
  }

  #count(usage: PodUsage, node: string): void {
    const { uid } = usage.pod.metadata;
    const before = this.#whereabouts.get(uid);
    if (before !== undefined && before !== node) this.#nodes.get(before)?.remove(uid);
    this.#whereabouts.set(uid, node);
    this.#info(node).add(usage);
  }

  #info(name: string): NodeInfo {
    let info = this.#nodes.get(name);
    if (info === undefined) {
      info = new NodeInfo(name);
      this.#nodes.set(name, info);
    }
    return info;
  }

  #tidy(info: NodeInfo): void {
    if (info.node === undefined && info.podCount === 0) this.#nodes.delete(info.name);
  }
}
