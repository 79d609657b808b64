import type { Cluster } from "../../gen/spheresim/vcenter/v1/inventory.js";
import { ManagedEntityStatus } from "../../gen/spheresim/vim/v1/managed_entity.js";
import { failoverReserveOf } from "./cluster-admission.js";
import { type ClusterStatus, clusterStatus } from "../drs/cluster-status.js";
import { cannotFailOver } from "../drs/failover.js";
import type { EventLog } from "../events/event-log.js";
import type { Inventory } from "../inventory/inventory.js";

const SHOWN: Readonly<Record<ClusterStatus, ManagedEntityStatus>> = { green: ManagedEntityStatus.GREEN, yellow: ManagedEntityStatus.YELLOW, red: ManagedEntityStatus.RED };

/** How a cluster stands with what it has promised; red too where HA keeps less free than it must. */
export function statusOf(inventory: Inventory, cluster: Cluster): ClusterStatus {
  const root = cluster.rootPool?.value ?? "";
  const { ledger } = inventory;
  const reserve = failoverReserveOf(cluster);
  return reserve !== undefined && cannotFailOver(ledger.cluster(root), reserve) ? "red" : clusterStatus(ledger.pools, root);
}

/** The cluster with its status and score, as the contract shows it. */
export function showCluster(inventory: Inventory, cluster: Cluster): Cluster {
  return { ...cluster, overallStatus: SHOWN[statusOf(inventory, cluster)], ...inventory.usage.cluster(cluster.ref?.value ?? "") };
}

/** Raises the events of a cluster whose status changes. */
export class ClusterHealth {
  readonly #inventory: Inventory;
  readonly #events: EventLog;
  /** By cluster, as it was told last. */
  readonly #told = new Map<string, ClusterStatus>();

  constructor(inventory: Inventory, events: EventLog) {
    this.#inventory = inventory;
    this.#events = events;
    for (const cluster of inventory.clusters) this.#told.set(cluster.ref?.value ?? "", statusOf(inventory, cluster));
  }

  /** Looks at every cluster again. */
  look(): void {
    for (const cluster of this.#inventory.clusters) {
      const moid = cluster.ref?.value ?? "";
      const oldStatus = this.#told.get(moid) ?? "green";
      const newStatus = statusOf(this.#inventory, cluster);
      this.#told.set(moid, newStatus);
      if (newStatus === oldStatus) continue;
      this.#events.post("ClusterStatusChangedEvent", { cluster: moid, words: { oldStatus, newStatus } });
      if (newStatus === "yellow") this.#events.post("ClusterOvercommittedEvent", { cluster: moid });
    }
  }
}
