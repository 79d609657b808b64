import { type Cluster, ManagedEntityStatus } from "../gen/spheresim/vcenter/v1/inventory.js";
import { NOTHING, plus, RESOURCES } from "./drs/amount.js";
import { type ClusterStatus, clusterStatus } from "./drs/cluster-status.js";
import type { EventLog } from "./events/event-log.js";
import type { Inventory } from "./inventory.js";

const SHOWN: Readonly<Record<ClusterStatus, ManagedEntityStatus>> = { green: ManagedEntityStatus.GREEN, yellow: ManagedEntityStatus.YELLOW, red: ManagedEntityStatus.RED };

/** How a cluster stands with what it has promised; red too where HA keeps less free than it must. */
export function statusOf(inventory: Inventory, cluster: Cluster): ClusterStatus {
  const root = cluster.rootPool?.value ?? "";
  const { pools } = inventory.ledger;
  return cannotFailOver(inventory, cluster) ? "red" : clusterStatus(pools, root);
}

/** The cluster with its status, as the contract shows it. */
export function showCluster(inventory: Inventory, cluster: Cluster): Cluster {
  return { ...cluster, overallStatus: SHOWN[statusOf(inventory, cluster)] };
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

/** Whether what runs reserves of what HA's admission control keeps free for the VMs of a host that fails. */
function cannotFailOver(inventory: Inventory, { rootPool, dasConfig }: Cluster): boolean {
  if (dasConfig?.enabled !== true || !dasConfig.admissionControlEnabled) return false;
  const { pools } = inventory.ledger;
  const root = rootPool?.value ?? "";
  let running = NOTHING;
  for (const moid of pools.within(root)) running = plus(running, pools.reservedByVms(moid));
  const { reservation: capacity } = pools.allocation(root);
  const keptPercent = { cpuMhz: dasConfig.cpuFailoverResourcesPercent, memoryMb: dasConfig.memoryFailoverResourcesPercent };
  return RESOURCES.some((resource) => running[resource] > (capacity[resource] * (100 - keptPercent[resource])) / 100);
}
