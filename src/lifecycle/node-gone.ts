import type { Clock } from "../base/clock.js";
import type { Logger } from "../base/log.js";
import { Periodic } from "../base/periodic.js";
import type { ApiClient } from "../kubernetes/api-client.js";
import { type Condition, isConditionTrue } from "../kubernetes/condition.js";
import type { Informer } from "../kubernetes/informer.js";
import type { Node } from "../kubernetes/node.js";
import { nameOf, objectKey } from "../kubernetes/object-meta.js";
import { isTerminal, type Pod } from "../kubernetes/pod.js";
import { nodes as nodeType, pods as podType } from "../kubernetes/resource-type.js";
import { isConflict, isNotFound } from "../kubernetes/status.js";
import { outOfServiceTaint } from "../kubernetes/taint.js";
import { formatTime } from "../kubernetes/timestamp.js";

export interface NodeGoneOptions {
  readonly client: ApiClient;
  readonly pods: Pick<Informer<Pod>, "store">;
  readonly nodes: Pick<Informer<Node>, "store" | "hasSynced">;
  /** Emulated. */
  readonly clock: Clock;
  readonly monotonic: Clock;
  readonly log: Logger;
}

const PERIOD_MS = 10_000;
/** How long a node must be away, as Kubernetes' pod collector waits. */
const QUARANTINE_MS = 40_000;
/** Pods deleted in one turn. */
const MAX_DELETED = 64;

/**
 * Pods of a node that no longer exists have nobody to end them, nor have those that are being deleted on a node which is not Ready and which an
 * administrator took out of service: they are failed and deleted with grace 0, the former after 40 s, as Kubernetes' pod garbage collector does,
 * and the way back goes on from D4.
 */
export class NodeGone {
  readonly #options: NodeGoneOptions;
  /** Since when a node is missed, by name. */
  readonly #missingSinceMs = new Map<string, number>();
  readonly #turns: Periodic;

  constructor(options: NodeGoneOptions) {
    this.#options = options;
    const failed = (error: unknown): void => options.log.warn({ err: error }, "pods of missing nodes could not be collected, trying again");
    this.#turns = new Periodic({ everyMs: PERIOD_MS, clock: options.monotonic, work: () => this.collect(), failed });
  }

  start(): void {
    this.#turns.start();
  }

  close(): Promise<void> {
    return this.#turns.close();
  }

  /** One turn. */
  async collect(): Promise<void> {
    const { pods, nodes, monotonic } = this.#options;
    if (!nodes.hasSynced) return;
    let deleted = await this.#collectOutOfService();
    const stranded = new Map<string, Pod[]>();
    for (const pod of pods.store.list()) {
      const node = pod.spec.nodeName ?? "";
      if (!isStranded(pod) || nodes.store.get(node) !== undefined) continue;
      const others = stranded.get(node);
      if (others === undefined) stranded.set(node, [pod]);
      else others.push(pod);
    }
    for (const name of this.#missingSinceMs.keys()) if (!stranded.has(name)) this.#missingSinceMs.delete(name);
    for (const [name, orphans] of stranded) {
      const sinceMs = this.#missingSinceMs.get(name) ?? monotonic.nowMs();
      this.#missingSinceMs.set(name, sinceMs);
      if (monotonic.nowMs() - sinceMs < QUARANTINE_MS || (await this.#exists(name))) continue;
      for (const pod of orphans) {
        if (deleted >= MAX_DELETED) return;
        deleted += 1;
        await this.#failAndDelete(pod, "its node is gone", [NODE_GONE]);
      }
    }
  }

  /** Answers how many pods it deleted. */
  async #collectOutOfService(): Promise<number> {
    const { pods, nodes } = this.#options;
    const left = pods.store.list().filter((pod) => isStranded(pod) && pod.metadata.deletionTimestamp !== undefined && isOutOfService(nodes.store.get(pod.spec.nodeName ?? "")));
    const turn = left.slice(0, MAX_DELETED);
    for (const pod of turn) await this.#failAndDelete(pod, "its node is out of service", []);
    return turn.length;
  }

  async #failAndDelete(pod: Pod, why: string, conditions: readonly Omit<Condition, "lastTransitionTime">[]): Promise<void> {
    const { client, clock, log } = this.#options;
    const { uid } = pod.metadata;
    log.info({ pod: objectKey(pod), node: pod.spec.nodeName, why }, "nobody ends this pod, deleting it");
    try {
      if (!isTerminal(pod)) {
        const status = { phase: "Failed", conditions: conditions.map((condition) => ({ ...condition, lastTransitionTime: formatTime(clock.nowMs()) })) };
        await client.patch(podType, nameOf(pod), { type: "strategic", body: { metadata: { uid }, status } }, { subresource: "status" });
      }
      await client.delete(podType, nameOf(pod), { gracePeriodSeconds: 0, preconditions: { uid } });
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
  }

  async #exists(name: string): Promise<boolean> {
    try {
      await this.#options.client.get(nodeType, { name });
      return true;
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
  }
}

/** What PodGC says of a pod it takes away. */
const NODE_GONE = { type: "DisruptionTarget", status: "True", reason: "DeletionByPodGC", message: "PodGC: node no longer exists" } as const;

/** Not Ready, and said to stay so. */
function isOutOfService(node: Node | undefined): boolean {
  return node !== undefined && !isConditionTrue(node.status?.conditions, "Ready") && node.spec?.taints?.some(({ key }) => key === outOfServiceTaint) === true;
}

/** Bound, and not already in its last moment. */
function isStranded(pod: Pod): boolean {
  if ((pod.spec.nodeName ?? "") === "") return false;
  return pod.metadata.deletionTimestamp === undefined || (pod.metadata.deletionGracePeriodSeconds ?? 0) > 0;
}
