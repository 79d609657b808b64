import { type Host, HostUsage, type PlacementHold, type ResourcePool, ResourcePoolUsage, type VirtualMachine } from "../../gen/spheresim/vcenter/v1/inventory.js";
import { showCluster } from "../clusters/cluster-health.js";
import type { Holds } from "../placement/holds.js";
import type { Inventory, InventoryObject } from "./inventory.js";
import { moidNumber } from "./moid-counters.js";
import type { Sliceable } from "./pages.js";
import { hostMessage, poolMessage, vmMessage, type VmRecord } from "../store/records.js";
import { MAX_INT32 } from "../spec-limits.js";

// The inventory as the contract shows it: records, and what the ledger counts at this moment.

/** A host with its use. Throws ManagedObjectNotFound. */
export function showHost(inventory: Inventory, moid: string): Host {
  return { ...hostMessage(inventory.host(moid)), usage: hostUsage(inventory, moid) };
}

/** A pool with its use. Throws ManagedObjectNotFound. */
export function showPool(inventory: Inventory, moid: string): ResourcePool {
  const used = inventory.ledger.pools.used(moid);
  const unreserved = inventory.ledger.pools.unreserved(moid);
  const active = inventory.ledger.pools.active(moid);
  return {
    ...poolMessage(inventory.pool(moid)),
    usage: ResourcePoolUsage.create({
      reservationUsedCpuMhz: used.cpuMhz,
      reservationUsedMemoryMb: used.memoryMb,
      unreservedCpuMhz: finite(unreserved.cpuMhz),
      unreservedMemoryMb: finite(unreserved.memoryMb),
      activeCpuMhz: Math.min(MAX_INT32, Math.round(active.cpuMhz)),
      activeMemoryMb: Math.min(MAX_INT32, Math.round(active.memoryMb)),
      ...inventory.usage.pool(moid),
    }),
  };
}

/** A VM with the name of its host. Throws ManagedObjectNotFound. */
export function showVm(inventory: Inventory, moid: string): VirtualMachine {
  const vm = inventory.vm(moid);
  return vmMessage(vm, inventory.findHost(vm.host));
}

/** VMs as a list whose messages are made only as they are read: there may be a hundred thousand. */
export function listedVms(inventory: Inventory, vms: readonly VmRecord[]): Sliceable<VirtualMachine> {
  return { length: vms.length, slice: (from, end) => vms.slice(from, end).map((vm) => vmMessage(vm, inventory.findHost(vm.host))) };
}

/** The hosts of this moment in order of moid, made only as they are read, with the use they have then; of one that is gone by then there is none. */
export function listedHosts(inventory: Inventory): Sliceable<Host> {
  const hosts = ordered(inventory.hosts);
  return { length: hosts.length, slice: (from, end) => hosts.slice(from, end).map((host) => (inventory.findHost(host.moid) === undefined ? { ...hostMessage(host), usage: HostUsage.create() } : showHost(inventory, host.moid))) };
}

/** The same of pools. */
export function listedPools(inventory: Inventory): Sliceable<ResourcePool> {
  const pools = ordered(inventory.pools);
  return { length: pools.length, slice: (from, end) => pools.slice(from, end).map((pool) => (inventory.findPool(pool.moid) === undefined ? { ...poolMessage(pool), usage: ResourcePoolUsage.create() } : showPool(inventory, pool.moid))) };
}

/** What is held, oldest first. */
export function shownHolds(inventory: Inventory, holds: Holds): PlacementHold[] {
  return [...holds.held()].map(({ recommended: { key, ownerUid, host }, claim: { reserved } }) => ({
    key,
    ownerUid,
    hostName: inventory.host(host).spec.name,
    reservedCpuMhz: reserved.cpuMhz,
    reservedMemoryMb: reserved.memoryMb,
  }));
}

function ordered<R extends { readonly moid: string }>(records: readonly R[]): R[] {
  const numbered = records.map((record) => ({ record, number: moidNumber(record.moid) }));
  return numbered.sort((left, right) => left.number - right.number).map(({ record }) => record);
}

/** Any object; undefined for one that is gone. */
export function showObject(inventory: Inventory, moid: string): InventoryObject | undefined {
  if (inventory.findVm(moid) !== undefined) return { $case: "virtualMachine", value: showVm(inventory, moid) };
  if (inventory.findHost(moid) !== undefined) return { $case: "host", value: showHost(inventory, moid) };
  if (inventory.findPool(moid) !== undefined) return { $case: "resourcePool", value: showPool(inventory, moid) };
  const cluster = inventory.clusters.find((each) => each.ref?.value === moid);
  if (cluster !== undefined) return { $case: "cluster", value: showCluster(inventory, cluster) };
  const datacenter = inventory.datacenters.find((each) => each.ref?.value === moid);
  return datacenter === undefined ? undefined : { $case: "datacenter", value: datacenter };
}

/** VMs may ask for more than their host has; the sum is told as far as an int32 goes. */
function hostUsage(inventory: Inventory, moid: string): HostUsage {
  const { reserved, active, poweredOnVms } = inventory.ledger.host(moid);
  return HostUsage.create({
    reservedCpuMhz: reserved.cpuMhz,
    reservedMemoryMb: reserved.memoryMb,
    activeCpuMhz: Math.min(MAX_INT32, Math.round(active.cpuMhz)),
    activeMemoryMb: Math.min(MAX_INT32, Math.round(active.memoryMb)),
    poweredOnVms,
    ...inventory.usage.host(moid),
  });
}

/** Unlimited is -1 in vim25. */
function finite(value: number): number {
  return Number.isFinite(value) ? value : -1;
}
