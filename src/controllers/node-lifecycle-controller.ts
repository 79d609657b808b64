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
import { HeardTime } from "./heard-time.js";
import { ManagerLease } from "./manager-lease.js";
import { isGivenUp, taintsFor, unknownConditions } from "./node-health.js";
import { type JudgedNode, ZoneDisruption } from "./zone-disruption.js";
import { zoneOf } from "./zone-state.js";

const LEASE_NAMESPACE = "kube-node-lease";
/** A node without a sign of life for so long is not trusted any more, where nothing else is asked for. */
const DEFAULT_GRACE_MS = 40_000;
const BY_NODE = "nodeName";
const NODE = { apiVersion: "v1", kind: "Node" } as const;

/** `--leader-elect-retry-period` of 2 s where the grace period is 40 s: the manager's Lease is renewed, and nodes are looked at when it comes back. */
const RENEWALS_PER_GRACE = 20;
/** `--leader-elect-renew-deadline` of 10 s where the grace period is 40 s: a real manager that does not get through for so long steps down. */
const DEADLINES_PER_GRACE = 4;

/**
 * Watches over nodes: a lease that has not moved for the grace period makes the node's Ready Unknown, and conditions become taints.
 * What counts is when this process saw the lease move, by its own monotonic clock: a node's clock may be wrong, and after a
 * restart every node gets the whole period again. And only time counts in which a node could be heard, which the manager's own Lease proves:
 * a real manager whose Lease does not get through steps down and begins anew; this one lets the time pass without blaming the nodes.
 *
 * Nodes get their NoExecute taint at the rate of their zone, and none does while no node is Ready (the controller's master disruption mode):
 * pods stay where they are.
 */
export class NodeLifecycleController implements Controller {
  readonly #context: ControllerContext;
  readonly #queue: WorkQueue;
  readonly #recorder: EventRecorder;
  readonly #lease: ManagerLease;
  readonly #heard: HeardTime;
  readonly #zones = new ZoneDisruption();
  /** By node: the last sign of life, and how long this controller had heard by then. */
  readonly #signs = new Map<string, { readonly sign: string; heardMs: number }>();
  /** Nodes without a sign of life for the grace period. */
  readonly #silent = new Set<string>();
  /** Nodes whose turn to be given up has come. */
  readonly #givenUp = new Set<string>();
  #isTotal = false;
  readonly #graceMs: number;

  /** @param graceMs kube-controller-manager's `--node-monitor-grace-period` */
  constructor(context: ControllerContext, graceMs = DEFAULT_GRACE_MS) {
    this.#context = context;
    this.#graceMs = graceMs;
    this.#heard = new HeardTime(context.monotonic.nowMs(), graceMs / DEADLINES_PER_GRACE);
    this.#recorder = recorderFor(context, "node-controller");
    this.#queue = new WorkQueue({ clock: context.monotonic, log: context.log, name: "node-lifecycle", workers: 4, work: (name) => this.#sync(name) });
    context.informers.of(pods).store.addIndex(BY_NODE, (pod) => [pod.spec.nodeName ?? ""]);
    const nodeChanged = (node: Node): void => {
      this.#signOf(node.metadata.name);
      if (isReady(node)) this.#forget(node.metadata.name);
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
        this.#signs.delete(node.metadata.name);
        this.#silent.delete(node.metadata.name);
        this.#forget(node.metadata.name);
      },
    });
    const leaseChanged = (lease: Lease): void => {
      if (lease.metadata.namespace === LEASE_NAMESPACE) this.#signOf(lease.metadata.name);
    };
    context.informers.of(leases).subscribe({ added: leaseChanged, updated: leaseChanged });
    this.#lease = new ManagerLease(context, graceMs / RENEWALS_PER_GRACE, () => this.#look());
  }

  start(): void {
    this.#queue.start();
    this.#lease.start();
  }

  async close(): Promise<void> {
    await this.#lease.close();
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
    if (this.#signs.get(name)?.sign === sign) return;
    this.#signs.set(name, { sign, heardMs: this.#heard.at(monotonic.nowMs()) });
    this.#silent.delete(name);
  }

  /** The node is not to be given up, or not any more. */
  #forget(name: string): void {
    this.#givenUp.delete(name);
    this.#zones.forget(name);
  }

  /** All that was said until a moment ago has been heard: looks at all nodes together. */
  #look(): void {
    const { informers, monotonic } = this.#context;
    const nowMs = monotonic.nowMs();
    this.#heard.proven(nowMs);
    const heardMs = this.#heard.at(nowMs);
    const judged: JudgedNode[] = [];
    for (const [name, sign] of this.#signs) {
      const node = informers.of(nodes).store.get(name);
      if (node === undefined) continue;
      if (heardMs - sign.heardMs >= this.#graceMs && !this.#silent.has(name)) {
        this.#silent.add(name);
        this.#queue.add(name);
      }
      const excluded = node.metadata.labels?.["node.kubernetes.io/exclude-disruption"] !== undefined;
      judged.push({ name, zone: zoneOf(node), ready: isReady(node) && !this.#silent.has(name), tainted: isGivenUp(node), excluded });
    }
    const due = this.#zones.look(judged, nowMs);
    if (this.#zones.isTotal !== this.#isTotal) this.#turn(heardMs);
    for (const name of due) {
      this.#givenUp.add(name);
      this.#queue.add(name);
    }
  }

  /** The last node has fallen silent, or the first one is heard again. Then it was no node's fault, and each gets the whole period again. */
  #turn(heardMs: number): void {
    this.#isTotal = this.#zones.isTotal;
    this.#context.log.info({ nodes: this.#signs.size }, this.#isTotal ? "no node is Ready: none is given up" : "some nodes are Ready again");
    this.#givenUp.clear();
    for (const [name, sign] of this.#signs) {
      if (!this.#isTotal) sign.heardMs = heardMs;
      this.#queue.add(name);
    }
  }

  async #sync(name: string): Promise<void> {
    const { informers, clock } = this.#context;
    const node = informers.of(nodes).store.get(name);
    if (node === undefined) return;
    const now = formatTime(clock.nowMs());
    try {
      const judged = this.#silent.has(name) ? await this.#markUnknown(node, now) : node;
      await this.#taint(judged, now);
      if (!isReady(judged)) await this.#markPodsNotReady(judged);
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
    if (isReady(node)) this.#recorder.record(node, "Normal", "NodeNotReady", `Node ${name} status is now: NodeNotReady`, NODE);
    return marked;
  }

  async #taint(node: Node, now: string): Promise<void> {
    const evicts = !this.#isTotal && (isGivenUp(node) || this.#givenUp.has(node.metadata.name));
    const taints = taintsFor(node, now, evicts);
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

function isReady(node: Node): boolean {
  return isConditionTrue(node.status?.conditions, "Ready");
}
