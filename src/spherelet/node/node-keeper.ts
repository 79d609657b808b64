import type { Clock, Timer } from "../../base/clock.js";
import type { Logger } from "../../base/log.js";
import type { Informer } from "../../kubernetes/informer.js";
import type { Node } from "../../kubernetes/node.js";
import { leases, nodes as nodeType } from "../../kubernetes/resource-type.js";
import { isAlreadyExists, isNotFound } from "../../kubernetes/status.js";
import { formatMicroTime } from "../../kubernetes/timestamp.js";
import { WorkQueue } from "../../kubernetes/work-queue.js";
import type { NodeEvents } from "../status/node-events.js";
import { FIELD_MANAGER } from "./host-context.js";
import type { Host } from "./host.js";
import type { NodeApi } from "./network-cable.js";
import { isHealthy, nodeDraft, nodeStatus, wrongLabels } from "./node-object.js";

/** A host and the API server as it may write to it. */
export interface KeptNode {
  readonly host: Host;
  readonly api: Omit<NodeApi, "delete" | "list">;
  /** Port of its kubelet API; undefined without one. */
  readonly kubeletPort: number | undefined;
  /** Changes with every boot of the host. */
  readonly bootId: string;
  /** Hears of each status that was written. */
  readonly events: Pick<NodeEvents, "written">;
}

export interface NodeKeeperOptions {
  readonly informer: Pick<Informer<Node>, "store" | "subscribe">;
  /** A quarter of it lies between two renewals, as with kubelets; 40 when absent. */
  readonly leaseDurationSeconds?: number | undefined;
  /** Emulated. */
  readonly clock: Clock;
  readonly monotonic: Clock;
  readonly log: Logger;
}

export const LEASE_NAMESPACE = "kube-node-lease";
/** As kubelets have it: renewed every 10 s, given up by the node controller after 40 s. */
const DEFAULT_LEASE_SECONDS = 40;
const RENEWALS_PER_LEASE = 4;
/** Renewals are spread over the period in so many turns. */
const TURNS = 20;
/** Node status is written again after so long even if nothing changed. */
const STATUS_PERIOD_MS = 300_000;
const WORKERS = 8;
/** A kubelet has a client of its own for them: a thousand pods' statuses are no reason to be taken for dead. */
const HEARTBEAT = { fieldManager: FIELD_MANAGER, ahead: true } as const;

/** A node and its turn: renewals go by turns, and keep theirs when others come and go. */
interface Heartbeat extends KeptNode {
  readonly turn: number;
}

/**
 * The Nodes of the hosts whose Spherelet runs, and their heartbeats: registers them, registers them again when they are missing, puts right what
 * others said of them, and renews their Leases. One timer for all; renewals are spread over the period, so that a thousand hosts are a
 * hundred small writes a second at an even pace.
 */
export class NodeKeeper {
  readonly #options: NodeKeeperOptions;
  readonly #queue: WorkQueue;
  readonly #renewals: WorkQueue;
  readonly #leaseSeconds: number;
  /** By node name. */
  readonly #nodes = new Map<string, Heartbeat>();
  /** Turns of hosts that are no more, to be given out first. */
  readonly #freeTurns: number[] = [];
  /** Nodes whose status is due although it looks well: at the start, and every 5 minutes. */
  readonly #due = new Set<string>();
  #turn = 0;
  #timer: Timer | undefined;
  #unsubscribe: (() => void) | undefined;

  constructor(options: NodeKeeperOptions) {
    this.#options = options;
    const { monotonic: clock, log } = options;
    this.#leaseSeconds = options.leaseDurationSeconds ?? DEFAULT_LEASE_SECONDS;
    this.#queue = new WorkQueue({ clock, log, name: "nodes", workers: WORKERS, work: (name) => this.#keep(name) });
    this.#renewals = new WorkQueue({ clock, log, name: "node leases", workers: WORKERS, work: (name) => this.#renew(name) });
  }

  /** Begins; the API server may come later. */
  start(): void {
    const look = (node: Node): void => {
      if (this.#nodes.has(node.metadata.name)) this.#queue.add(node.metadata.name);
    };
    this.#unsubscribe = this.#options.informer.subscribe({ added: look, updated: look, deleted: look });
    this.#queue.start();
    this.#renewals.start();
    this.#next();
  }

  /** Registers the Node, and renews its Lease from now on. */
  add(node: KeptNode): void {
    const { name } = node.host;
    const turn = this.#nodes.get(name)?.turn ?? this.#freeTurns.pop() ?? this.#nodes.size;
    this.#nodes.set(name, { ...node, turn });
    this.#due.add(name);
    this.#queue.add(name);
    this.#renewals.add(name);
  }

  /** Nothing is done for the Node any more; its Lease runs out. */
  remove(name: string): void {
    const node = this.#nodes.get(name);
    if (node === undefined) return;
    this.#nodes.delete(name);
    this.#freeTurns.push(node.turn);
    this.#due.delete(name);
  }

  async close(): Promise<void> {
    this.#unsubscribe?.();
    this.#timer?.cancel();
    await Promise.all([this.#queue.close(), this.#renewals.close()]);
  }

  #next(): void {
    const periodMs = (this.#leaseSeconds * 1000) / RENEWALS_PER_LEASE;
    const turnsPerStatus = TURNS * Math.max(1, Math.round(STATUS_PERIOD_MS / periodMs));
    this.#timer = this.#options.monotonic.timer(periodMs / TURNS, () => {
      this.#turn = (this.#turn + 1) % turnsPerStatus;
      for (const [name, { turn }] of this.#nodes) {
        if (turn % TURNS === this.#turn % TURNS) this.#renewals.add(name);
        if (turn % turnsPerStatus !== this.#turn) continue;
        this.#due.add(name);
        this.#queue.add(name);
      }
      this.#next();
    });
  }

  async #keep(name: string): Promise<void> {
    const { informer, clock } = this.#options;
    const kept = this.#nodes.get(name);
    if (kept === undefined) return;
    const { host, api, kubeletPort, bootId, events } = kept;
    const facts = { host, kubeletPort, bootId, nowMs: clock.nowMs() };
    let node = informer.store.get(name);
    if (node === undefined) {
      const draft = nodeDraft(facts);
      try {
        // A create may not set the status; the write below does.
        node = { ...(await api.create(nodeType, draft, { fieldManager: FIELD_MANAGER })), status: {} };
      } catch (error) {
        if (!isAlreadyExists(error)) throw error;
        node = await api.get(nodeType, { name });
      }
      this.#due.add(name);
    }
    const labels = wrongLabels(host, node);
    try {
      if (Object.keys(labels).length > 0) await api.patch(nodeType, { name }, { type: "merge", body: { metadata: { labels } } }, { fieldManager: FIELD_MANAGER });
      if (!this.#due.has(name) && isHealthy(node)) return;
      await api.patch(nodeType, { name }, { type: "strategic", body: { status: nodeStatus(facts, node) } }, { fieldManager: FIELD_MANAGER, subresource: "status" });
      events.written(node, bootId);
      this.#due.delete(name);
    } catch (error) {
      // Deleted meanwhile: the watch tells, and it is registered anew.
      if (!isNotFound(error) || informer.store.get(name) === undefined) throw error;
    }
  }

  async #renew(name: string): Promise<void> {
    const { informer, clock } = this.#options;
    const kept = this.#nodes.get(name);
    if (kept === undefined) return;
    const { api } = kept;
    const renewTime = formatMicroTime(clock.nowMs());
    try {
      await api.patch(leases, { namespace: LEASE_NAMESPACE, name }, { type: "merge", body: { spec: { renewTime } } }, HEARTBEAT);
    } catch (error) {
      if (!isNotFound(error)) throw error;
      const node = informer.store.get(name);
      const owner = node === undefined ? {} : { ownerReferences: [{ apiVersion: "v1", kind: "Node", name, uid: node.metadata.uid }] };
      const spec = { holderIdentity: name, leaseDurationSeconds: this.#leaseSeconds, renewTime };
      await api.create(leases, { metadata: { namespace: LEASE_NAMESPACE, name, ...owner }, spec }, HEARTBEAT);
    }
  }
}
