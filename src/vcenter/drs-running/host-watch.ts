import type { Inventory } from "../inventory/inventory.js";
import type { HostRecord } from "../store/records.js";
import { type DrsPasses, isEnabled, isFullyAutomated } from "./drs-passes.js";

/**
 * Has a pass run as soon as a host begins or ends to give its VMs away, where people carry recommendations out: they wait for what to do, and
 * what was recommended for the sake of the host stands no more. Where DRS acts by itself, evacuation does (evacuation.ts), and the next minute's pass
 * the rest.
 */
export class HostWatch {
  readonly #inventory: Inventory;
  readonly #passes: Pick<DrsPasses, "refresh">;
  readonly #givesAway = new Map<string, boolean>();

  constructor(inventory: Inventory, passes: Pick<DrsPasses, "refresh">) {
    this.#inventory = inventory;
    this.#passes = passes;
    for (const host of inventory.hosts) this.#givesAway.set(host.moid, givesAway(host));
  }

  /** Some objects have changed. */
  look(changed: Iterable<string>): void {
    const clusters = new Set<string>();
    for (const key of changed) {
      const host = this.#inventory.findHost(key);
      if (host === undefined) this.#givesAway.delete(key);
      else if (this.#isTurned(host)) clusters.add(host.cluster);
    }
    for (const cluster of clusters) {
      const { drsConfig } = this.#inventory.cluster(cluster);
      // One that fails has been told by then.
      if (isEnabled(drsConfig) && !isFullyAutomated(drsConfig)) void this.#passes.refresh(cluster).catch(() => undefined);
    }
  }

  #isTurned(host: HostRecord): boolean {
    const before = this.#givesAway.get(host.moid) ?? false;
    const now = givesAway(host);
    this.#givesAway.set(host.moid, now);
    return now !== before;
  }
}

function givesAway({ evacuation, inMaintenanceMode, inQuarantineMode }: HostRecord): boolean {
  return evacuation !== undefined || inMaintenanceMode || inQuarantineMode;
}
