import type { Timer } from "../base/clock.js";
import type { Lease } from "../kubernetes/cluster-objects.js";
import { findCondition, isConditionTrue } from "../kubernetes/condition.js";
import type { EventRecorder } from "../kubernetes/event-recorder.js";
import type { Node } from "../kubernetes/node.js";
import { nameOf } from "../kubernetes/object-meta.js";
import { leases, nodes, pods } from "../kubernetes/resource-type.js";
import { isConflict, isNotFound } from "../kubernetes/status.js";
import { formatTime } from "../kubernetes/timestamp.js";
import { WorkQueue } from "../kubernetes/work-queue.js";
import type { Controller, ControllerContext } from "./controller.js";
import { recorderFor } from "./controller.js";
import { taintsFor, unknownConditions } from "./node-health.js";

const LEASE_NAMESPACE = "kube-node-lease";
/** A node without a sign of life for so long is not trusted any more, where nothing else is asked for. */
const DEFAULT_GRACE_MS = 40_000;
const BY_NODE = "nodeName";
const NODE = { apiVersion: "v1", kind: "Node" } as const;

/**
 * Watches over nodes: a lease that has not moved for the grace period makes the node's Ready Unknown, and conditions become taints.
 * What counts is when this process saw the lease move, by its own monotonic clock: a node's clock may be wrong, and after a
 * restart every node gets the whole period again.
 *
 * While no node is Ready none carries a NoExecute taint (the controller's master disruption mode): pods stay where they are.
 */
export class NodeLifecycleController implements Controller {
  readonly #context: ControllerContext;
  readonly #queue: WorkQueue;
  readonly #recorder: EventRecorder;
  /** By node: the last sign of life, and when it was seen. */
  readonly #signs = new Map<string, { sign: string; seenMs: number; timer: Timer }>();
  /** Nodes that are Ready. */
  readonly #ready = new Set<string>();
  readonly #graceMs: number;

  /** @param graceMs kube-controller-manager's `--node-monitor-grace-period` */
  constructor(context: ControllerContext, graceMs = DEFAULT_GRACE_MS) {
    this.#context = context;
    this.#graceMs = graceMs;
    this.#recorder = recorderFor(context, "node-controller");
    this.#queue = new WorkQueue({ clock: context.monotonic, log: context.log, name: "node-lifecycle", workers: 4, work: (name) => this.#sync(name) });
    context.informers.of(pods).store.addIndex(BY_NODE, (pod) => [pod.spec.nodeName ?? ""]);
    const nodeChanged = (node: Node): void => {
      this.#signOf(node.metadata.name);
      this.#count(node);
      this.#queue.add(node.metadata.name);
    };
    context.informers.of(nodes).subscribe({
      added: (node) => {
        nodeChanged(node);
        this.#tell(node, "RegisteredNode", `Registered Node ${node.metadata.name} in Controller`);
      },
      updated: nodeChanged,
      deleted: (node) => {
        this.#tell(node, "RemovingNode", `Removing Node ${node.metadata.name} from Controller`);
        this.#signs.get(node.metadata.name)?.timer.cancel();
        this.#signs.delete(node.metadata.name);
        this.#count(node, false);
      },
    });
    const leaseChanged = (lease: Lease): void => {
      if (lease.metadata.namespace === LEASE_NAMESPACE) this.#signOf(lease.metadata.name);
    };
    context.informers.of(leases).subscribe({ added: leaseChanged, updated: leaseChanged });
  }

  start(): void {
    this.#queue.start();
  }

  async close(): Promise<void> {
    for (const { timer } of this.#signs.values()) timer.cancel();
    this.#signs.clear();
    await this.#queue.close();
    await this.#recorder.close();
  }

  /** What kube-controller-manager says of a node that it takes on or lets go; after a restart it takes all on again. */
  #tell(node: Node, reason: string, what: string): void {
    this.#recorder.record(node, "Normal", reason, `Node ${node.metadata.name} event: ${what}`, NODE);
  }

  /** A renewed lease or a newly posted status is a sign of life, and starts the grace period again. */
  #signOf(name: string): void {
    const { informers, monotonic } = this.#context;
    const node = informers.of(nodes).store.get(name);
    if (node === undefined) return;
    const lease = informers.of(leases).store.get(`${LEASE_NAMESPACE}/${name}`);
    const sign = `${lease?.spec?.renewTime ?? ""}/${findCondition(node.status?.conditions, "Ready")?.lastHeartbeatTime ?? ""}`;
    const known = this.#signs.get(name);
    if (known?.sign === sign) return;
    known?.timer.cancel();
    this.#signs.set(name, { sign, seenMs: monotonic.nowMs(), timer: monotonic.timer(this.#graceMs, () => this.#queue.add(name)) });
  }

  /** Counts a node that is Ready, or no longer. The first one and the last one decide on every other's NoExecute taints. */
  #count(node: Node, isReady = isConditionTrue(node.status?.conditions, "Ready")): void {
    const before = this.#ready.size > 0;
    if (isReady) this.#ready.add(node.metadata.name);
    else this.#ready.delete(node.metadata.name);
    if (this.#ready.size > 0 !== before) for (const name of this.#signs.keys()) this.#queue.add(name);
  }

  #isSilent(name: string): boolean {
    const nowMs = this.#context.monotonic.nowMs();
    return nowMs - (this.#signs.get(name)?.seenMs ?? nowMs) >= this.#graceMs - 1;
  }

  /** Whether any node is Ready and will still be so when its silence is looked at: those that fell silent together are judged together. */
  #isAnyHeard(): boolean {
    for (const name of this.#ready) if (!this.#isSilent(name)) return true;
    return false;
  }

  async #sync(name: string): Promise<void> {
    const { informers, clock } = this.#context;
    const node = informers.of(nodes).store.get(name);
    if (node === undefined) return;
    const now = formatTime(clock.nowMs());
    try {
      const judged = this.#isSilent(name) ? await this.#markUnknown(node, now) : node;
      await this.#taint(judged, now);
      if (!isConditionTrue(judged.status?.conditions, "Ready")) await this.#markPodsNotReady(judged);
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
  }

  async #markUnknown(node: Node, now: string): Promise<Node> {
    const conditions = unknownConditions(node.status?.conditions, now);
    if (conditions.length === 0) return node;
    const { name, uid, resourceVersion } = node.metadata;
    this.#context.log.warn({ node: name, graceMs: this.#graceMs }, "the node has shown no sign of life");
    // With the version that was judged: a heartbeat on its way at this moment wins.
    const marked: Node = await this.#context.client.patch(nodes, nameOf(node), { type: "strategic", body: { metadata: { uid, resourceVersion }, status: { conditions } } }, { subresource: "status" });
    this.#count(marked);
    if (isConditionTrue(node.status?.conditions, "Ready")) this.#recorder.record(node, "Normal", "NodeNotReady", `Node ${name} status is now: NodeNotReady`, NODE);
    return marked;
  }

  async #taint(node: Node, now: string): Promise<void> {
    const taints = taintsFor(node, now, this.#isAnyHeard());
    const old = node.spec?.taints ?? [];
    if (taints.length === old.length && taints.every((taint, at) => taint === old[at])) return;
    // A JSON merge replaces the list as a whole: the version guards taints somebody else has just set.
    const body = { metadata: { resourceVersion: node.metadata.resourceVersion }, spec: { taints: taints.length === 0 ? null : taints } };
    await this.#context.client.patch(nodes, nameOf(node), { type: "merge", body });
  }

  /** Pods of a node that is not Ready stop counting as Ready; Spherelet says otherwise when it is back. */
  async #markPodsNotReady(node: Node): Promise<void> {
    const { client, informers, clock } = this.#context;
    if (findCondition(node.status?.conditions, "Ready")?.status !== "Unknown") return;
    for (const pod of informers.of(pods).store.byIndex(BY_NODE, node.metadata.name)) {
      const ready = findCondition(pod.status?.conditions, "Ready");
      if (ready?.status !== "True") continue;
      const body = { metadata: { uid: pod.metadata.uid }, status: { conditions: [{ type: "Ready", status: "False", lastTransitionTime: formatTime(clock.nowMs()) }] } };
      try {
        await client.patch(pods, nameOf(pod), { type: "strategic", body }, { subresource: "status" });
        this.#recorder.record(pod, "Warning", "NodeNotReady", "Node is not ready", { apiVersion: "v1", kind: "Pod" });
      } catch (error) {
        if (!isNotFound(error) && !isConflict(error)) throw error;
      }
    }
  }
}
