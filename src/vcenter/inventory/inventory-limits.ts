import { VimFault } from "../vim-fault.js";

/** The most objects of each kind in one inventory. */
export interface InventoryLimits {
  readonly datacenters: number;
  readonly clusters: number;
  readonly hosts: number;
  /** Root pools included. */
  readonly resourcePools: number;
  readonly virtualMachines: number;
}

/**
 * Ours, so that memory and the work of a change have an end. They lie above VMware's configuration maximums (vSphere 8: 96 hosts a cluster, 2,500 a
 * vCenter), as this vCenter is made for clusters of 5,000 hosts and 100,000 virtual machines. How deep pools may lie is in clusters/pool-depth.ts,
 * how much a request may name and how many rules there may be in spec-limits.ts.
 */
export const INVENTORY_LIMITS: InventoryLimits = { datacenters: 1_000, clusters: 1_000, hosts: 10_000, resourcePools: 10_000, virtualMachines: 200_000 };

const NAMES: Readonly<Record<keyof InventoryLimits, string>> = { datacenters: "datacenters", clusters: "clusters", hosts: "hosts", resourcePools: "resource pools", virtualMachines: "virtual machines" };

/** What of an inventory says how full it is. */
export interface Counted {
  readonly limits: InventoryLimits;
  count(kind: keyof InventoryLimits): number;
}

/** Throws TooManyHosts, or NotSupported for kinds of which vim25 has no fault, where the inventory takes no more of a kind. */
export function requireRoomFor(kind: keyof InventoryLimits, inventory: Counted): void {
  const most = inventory.limits[kind];
  if (inventory.count(kind) < most) return;
  throw kind === "hosts" ? VimFault.tooManyHosts(most) : VimFault.notSupported(`more than ${most} ${NAMES[kind]}`);
}
