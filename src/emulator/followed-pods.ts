import type { Pod } from "../kubernetes/pod.js";
import { controllerOf } from "../kubernetes/object-meta.js";
import { replicaSets } from "../kubernetes/resource-type.js";
import type { ApiClient } from "../kubernetes/api-client.js";
import { isNotFound } from "../kubernetes/status.js";
import type { Applied } from "./apply.js";
import { hasArrived, stuckReason } from "./pod-outcome.js";

/**
 * The pods that come of applied objects: the pods themselves, and those of Deployments and ReplicaSets through their owner references.
 */
export class FollowedPods {
  readonly #client: ApiClient;
  /** How many pods each applied object makes, by its UID. */
  readonly #expected = new Map<string, number>();
  /** Root of each owner met so far, by the owner's UID; undefined for owners that lead nowhere. */
  readonly #rootOfOwner = new Map<string, string | undefined>();
  /** Objects whose former pods are on their way out, by UID. */
  readonly #replacing = new Set<string>();
  /** Those pods. */
  readonly #replaced = new Set<string>();
  readonly #pods = new Map<string, { readonly root: string; readonly pod: Pod }>();

  constructor(client: ApiClient, applied: readonly Applied[]) {
    this.#client = client;
    for (const each of applied) {
      const pods = podsMade(each);
      if (pods > 0) this.#expected.set(each.object.metadata.uid, pods);
      if (each.replacesPods) this.#replacing.add(each.object.metadata.uid);
    }
  }

  /** Takes in the pods that were there when the objects had been applied: there may be nothing more to hear of them. */
  async begin(pods: readonly Pod[]): Promise<void> {
    for (const pod of pods) {
      const root = await this.#rootOf(pod);
      if (root !== undefined && this.#replacing.has(root)) this.#replaced.add(pod.metadata.uid);
      else await this.take(pod);
    }
  }

  /** Takes a pod's new state in; answers whether it is one of ours. */
  async take(pod: Pod): Promise<boolean> {
    const root = await this.#rootOf(pod);
    if (root === undefined || this.#replaced.has(pod.metadata.uid)) return false;
    this.#pods.set(pod.metadata.uid, { root, pod });
    return true;
  }

  /** A pod is gone. */
  forget(uid: string): void {
    this.#pods.delete(uid);
  }

  has(uid: string): boolean {
    return this.#pods.has(uid);
  }

  get pods(): Pod[] {
    return [...this.#pods.values()].map((each) => each.pod);
  }

  /** Whether every expected pod has arrived. */
  get allArrived(): boolean {
    return this.#count((pod) => hasArrived(pod));
  }

  /** Whether every expected pod has arrived or is stuck. */
  get settled(): boolean {
    return this.#count((pod) => hasArrived(pod) || stuckReason(pod) !== "");
  }

  #count(done: (pod: Pod) => boolean): boolean {
    const found = new Map<string, number>();
    for (const { root, pod } of this.#pods.values()) if (done(pod)) found.set(root, (found.get(root) ?? 0) + 1);
    return [...this.#expected].every(([root, count]) => (found.get(root) ?? 0) >= count);
  }

  async #rootOf(pod: Pod): Promise<string | undefined> {
    if (this.#expected.has(pod.metadata.uid)) return pod.metadata.uid;
    const owner = controllerOf(pod);
    if (owner === undefined) return undefined;
    if (this.#expected.has(owner.uid)) return owner.uid;
    if (owner.kind !== "ReplicaSet") return undefined;
    if (!this.#rootOfOwner.has(owner.uid)) this.#rootOfOwner.set(owner.uid, await this.#rootOfReplicaSet(pod.metadata.namespace ?? "", owner.name));
    return this.#rootOfOwner.get(owner.uid);
  }

  async #rootOfReplicaSet(namespace: string, name: string): Promise<string | undefined> {
    try {
      const owner = controllerOf(await this.#client.get(replicaSets, { namespace, name }));
      return owner !== undefined && this.#expected.has(owner.uid) ? owner.uid : undefined;
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }
}

function podsMade(applied: Applied): number {
  if (applied.type.kind === "Pod") return 1;
  if (applied.type.kind !== "Deployment" && applied.type.kind !== "ReplicaSet") return 0;
  return (applied.object as { spec?: { replicas?: number } }).spec?.replicas ?? 1;
}
