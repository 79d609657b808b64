import type { Clock } from "../base/clock.js";
import type { Logger } from "../base/log.js";
import { Periodic } from "../base/periodic.js";
import type { ApiClient } from "../kubernetes/api-client.js";
import type { Informer } from "../kubernetes/informer.js";
import type { Node } from "../kubernetes/node.js";
import { nameOf, objectKey } from "../kubernetes/object-meta.js";
import type { Pod } from "../kubernetes/pod.js";
import { nodes as nodeType, pods as podType } from "../kubernetes/resource-type.js";
import { isConflict, isNotFound } from "../kubernetes/status.js";

export interface NodeGoneOptions {
  readonly client: ApiClient;
  readonly pods: Pick<Informer<Pod>, "store">;
  readonly nodes: Pick<Informer<Node>, "store" | "hasSynced">;
  readonly monotonic: Clock;
  readonly log: Logger;
}

const PERIOD_MS = 10_000;
/** How long a node must be away, as Kubernetes' pod collector waits. */
const QUARANTINE_MS = 40_000;
/** Pods deleted in one turn. */
const MAX_DELETED = 64;

/**
 * Pods of a node that no longer exists have nobody to end them: after 40 s they are deleted with grace 0, as Kubernetes' pod
 * garbage collector does, and the way back goes on from D4.
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
    const { client, pods, nodes, monotonic, log } = this.#options;
    if (!nodes.hasSynced) return;
    const stranded = new Map<string, Pod[]>();
    for (const pod of pods.store.list()) {
      const node = pod.spec.nodeName ?? "";
      if (!isStranded(pod) || nodes.store.get(node) !== undefined) continue;
      const others = stranded.get(node);
      if (others === undefined) stranded.set(node, [pod]);
      else others.push(pod);
    }
    for (const name of this.#missingSinceMs.keys()) if (!stranded.has(name)) this.#missingSinceMs.delete(name);
    let deleted = 0;
    for (const [name, orphans] of stranded) {
      const sinceMs = this.#missingSinceMs.get(name) ?? monotonic.nowMs();
      this.#missingSinceMs.set(name, sinceMs);
      if (monotonic.nowMs() - sinceMs < QUARANTINE_MS || (await this.#exists(name))) continue;
      for (const pod of orphans) {
        if (deleted >= MAX_DELETED) return;
        deleted += 1;
        log.info({ pod: objectKey(pod), node: name }, "the pod's node is gone, deleting it");
        await client.delete(podType, nameOf(pod), { gracePeriodSeconds: 0, preconditions: { uid: pod.metadata.uid } }).catch((error: unknown) => {
          if (!isNotFound(error) && !isConflict(error)) throw error;
        });
      }
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

/** Bound, and not already in its last moment. */
function isStranded(pod: Pod): boolean {
  if ((pod.spec.nodeName ?? "") === "") return false;
  return pod.metadata.deletionTimestamp === undefined || (pod.metadata.deletionGracePeriodSeconds ?? 0) > 0;
}
