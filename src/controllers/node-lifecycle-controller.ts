import { type Condition, findCondition, withCondition } from "../kubernetes/condition.js";
import type { EventRecorder } from "../kubernetes/event-recorder.js";
import type { Informer } from "../kubernetes/informer.js";
import type { Node } from "../kubernetes/node.js";
import { isBeingDeleted, nameOf } from "../kubernetes/object-meta.js";
import type { Pod } from "../kubernetes/pod.js";
import type { Lease } from "../kubernetes/cluster-objects.js";
import { leases as leaseType, nodes as nodeType, pods as podType } from "../kubernetes/resource-type.js";
import { isConflict, isNotFound } from "../kubernetes/status.js";
import { type Taint, taintKeys, tolerates } from "../kubernetes/taint.js";
import { formatTime } from "../kubernetes/timestamp.js";
import { WorkQueue } from "../kubernetes/work-queue.js";
import type { Controller, Surroundings } from "./surroundings.js";

const leaseNamespace = "kube-node-lease";
/** A node whose lease was not renewed for so long is no longer known to be well (upstream's node-monitor-grace-period). */
const graceMs = 40_000;
const nodeIndex = "node name";
const fieldManager = "kube-controller-manager";

/** Taints this controller owns, by the state that calls for them. */
const stateTaints = {
  unreachable: { key: taintKeys.unreachable, effects: ["NoSchedule", "NoExecute"] },
  notReady: { key: taintKeys.notReady, effects: ["NoSchedule", "NoExecute"] },
  unschedulable: { key: taintKeys.unschedulable, effects: ["NoSchedule"] },
} as const;

/**
 * Watches over node leases: a silent node's conditions become Unknown, it is tainted, and its pods are deleted when their tolerations have
 * run out. Silence is counted on the monotonic clock from when a renewal was last seen, so clocks of hosts do not matter. Upstream:
 * pkg/controller/nodelifecycle and tainteviction.
 */
export class NodeLifecycleController implements Controller {
  readonly #around: Surroundings;
  readonly #nodes: Informer<Node>;
  readonly #leases: Informer<Lease>;
  readonly #pods: Informer<Pod>;
  readonly #queue: WorkQueue;
  readonly #evictions: WorkQueue;
  readonly #events: EventRecorder;
  readonly #seenMs = new Map<string, number>();

  constructor(around: Surroundings) {
    this.#around = around;
    this.#nodes = around.informers.of(nodeType);
    this.#leases = around.informers.of(leaseType);
    this.#pods = around.informers.of(podType);
    this.#pods.store.addIndex(nodeIndex, (pod) => (pod.spec.nodeName === undefined ? [] : [pod.spec.nodeName]));
    this.#events = around.events("node-controller");
    this.#queue = new WorkQueue({ clock: around.monotonic, log: around.log, name: "node lifecycle", work: (name) => this.#sync(name) });
    this.#evictions = new WorkQueue({ clock: around.monotonic, log: around.log, name: "taint eviction", work: (key) => this.#evict(key) });
    const renewed = (lease: Lease): void => {
      if (lease.metadata.namespace !== leaseNamespace) return;
      this.#seenMs.set(lease.metadata.name, around.monotonic.nowMs());
      const node = this.#nodes.store.get(lease.metadata.name);
      if (node !== undefined && isTainted(node, taintKeys.unreachable)) this.#queue.add(lease.metadata.name);
      this.#queue.addAfter(lease.metadata.name, graceMs);
    };
    this.#leases.subscribe({ added: renewed, updated: renewed });
    this.#nodes.subscribe({
      added: (node) => this.#nodeSeen(node),
      updated: (node) => this.#nodeSeen(node),
      deleted: (node) => void this.#seenMs.delete(node.metadata.name),
    });
    const podSeen = (pod: Pod): void => {
      const node = pod.spec.nodeName === undefined ? undefined : this.#nodes.store.get(pod.spec.nodeName);
      if (node !== undefined && executing(node).length > 0) this.#evictions.add(`${pod.metadata.namespace}/${pod.metadata.name}`);
    };
    this.#pods.subscribe({ added: podSeen, updated: podSeen });
  }

  start(): void {
    this.#queue.start();
    this.#evictions.start();
  }

  async close(): Promise<void> {
    await Promise.all([this.#queue.close(), this.#evictions.close()]);
  }

  #nodeSeen(node: Node): void {
    const { name } = node.metadata;
    if (!this.#seenMs.has(name)) this.#seenMs.set(name, this.#around.monotonic.nowMs());
    this.#queue.add(name);
    if (executing(node).length > 0) for (const pod of this.#pods.store.byIndex(nodeIndex, name)) this.#evictions.add(`${pod.metadata.namespace}/${pod.metadata.name}`);
  }

  async #sync(name: string): Promise<void> {
    const node = this.#nodes.store.get(name);
    if (node === undefined) return;
    const silentMs = this.#around.monotonic.nowMs() - (this.#seenMs.get(name) ?? 0);
    if (silentMs < graceMs) this.#queue.addAfter(name, graceMs - silentMs);
    try {
      const unreachable = silentMs >= graceMs;
      if (unreachable) await this.#markUnknown(node);
      await this.#taint(node, unreachable);
    } catch (error) {
      if (isConflict(error)) this.#queue.addAfter(name, 20);
      else if (!isNotFound(error)) throw error;
    }
  }

  async #markUnknown(node: Node): Promise<void> {
    const old = node.status?.conditions ?? [];
    if (old.every((condition) => condition.status === "Unknown")) return;
    const now = formatTime(this.#around.clock.nowMs());
    const unknown = (type: string): Condition => ({ type, status: "Unknown", reason: "NodeStatusUnknown", message: "Kubelet stopped posting node status.", lastTransitionTime: now });
    const conditions = old.reduce((list, { type }) => withCondition(list, unknown(type)), old);
    await this.#around.client.patch(nodeType, nameOf(node), { type: "strategic", body: { metadata: { resourceVersion: node.metadata.resourceVersion }, status: { conditions } } }, { subresource: "status", fieldManager });
    this.#events.record(node, "Normal", "NodeNotReady", `Node ${node.metadata.name} status is now: NodeNotReady`);
  }

  async #taint(node: Node, unreachable: boolean): Promise<void> {
    const ready = findCondition(node.status?.conditions, "Ready")?.status;
    const states = { unreachable, notReady: !unreachable && ready === "False", unschedulable: node.spec?.unschedulable === true };
    const old = node.spec?.taints ?? [];
    const owned = new Set<string>(Object.values(stateTaints).map((each) => each.key));
    const wanted = (Object.keys(states) as (keyof typeof states)[])
      .filter((state) => states[state])
      .flatMap((state) => stateTaints[state].effects.map((effect): Taint => old.find((taint) => taint.key === stateTaints[state].key && taint.effect === effect) ?? this.#newTaint(stateTaints[state].key, effect)));
    const taints = [...old.filter((taint) => !owned.has(taint.key)), ...wanted];
    const name = (taint: Taint): string => `${taint.key}:${taint.effect}`;
    if (taints.map(name).sort().join() === old.map(name).sort().join()) return;
    await this.#around.client.patch(nodeType, nameOf(node), { type: "merge", body: { metadata: { resourceVersion: node.metadata.resourceVersion }, spec: { taints: taints.length === 0 ? null : taints } } }, { fieldManager });
  }

  #newTaint(key: string, effect: Taint["effect"]): Taint {
    return { key, effect, ...(effect === "NoExecute" ? { timeAdded: formatTime(this.#around.clock.nowMs()) } : {}) };
  }

  /** Deletes a pod whose tolerations of its node's NoExecute taints have run out, or comes again when the first one does. */
  async #evict(key: string): Promise<void> {
    const pod = this.#pods.store.get(key);
    const node = pod?.spec.nodeName === undefined ? undefined : this.#nodes.store.get(pod.spec.nodeName);
    if (pod === undefined || node === undefined || isBeingDeleted(pod)) return;
    const leftMs = Math.min(...executing(node).map((taint) => this.#toleratedMs(pod, taint)));
    if (leftMs === Number.POSITIVE_INFINITY) return;
    if (leftMs > 0) {
      this.#evictions.addAfter(key, leftMs);
      return;
    }
    this.#events.record(pod, "Normal", "TaintManagerEviction", `Marking for deletion Pod ${key}`);
    await this.#around.client.delete(podType, nameOf(pod), { preconditions: { uid: pod.metadata.uid } }).catch((error: unknown) => {
      if (!isNotFound(error)) throw error;
    });
  }

  #toleratedMs(pod: Pod, taint: Taint): number {
    const matching = (pod.spec.tolerations ?? []).filter((toleration) => tolerates(toleration, taint));
    if (matching.length === 0) return 0;
    const seconds = Math.min(...matching.map((toleration) => toleration.tolerationSeconds ?? Number.POSITIVE_INFINITY));
    if (seconds === Number.POSITIVE_INFINITY) return seconds;
    const since = Date.parse(taint.timeAdded ?? "") || this.#around.clock.nowMs();
    return Math.max(0, since + seconds * 1000 - this.#around.clock.nowMs());
  }
}

function executing(node: Node): readonly Taint[] {
  return (node.spec?.taints ?? []).filter((taint) => taint.effect === "NoExecute");
}

function isTainted(node: Node, key: string): boolean {
  return (node.spec?.taints ?? []).some((taint) => taint.key === key);
}
