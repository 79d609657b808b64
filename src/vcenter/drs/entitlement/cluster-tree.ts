import type { Amount } from "../amount.js";
import { ColumnCutter } from "./columns.js";

/** Settings of one resource, MHz or MB, by row. vim25: ResourceAllocationInfo. */
export interface AllocationColumns {
  readonly reservation: Int32Array;
  /** -1 is unlimited. */
  readonly limit: Int32Array;
  readonly shares: Int32Array;
}

/** CPU of VMs, by row. */
export interface VmCpuColumns extends AllocationColumns {
  /** Virtual CPUs times the speed of a core. */
  readonly sizeMhz: Int32Array;
  /** What the VM would use if it could. ESXi has to estimate it from run and ready time; here the activity profile says it. */
  readonly demandMhz: Float64Array;
}

/** Memory of VMs, by row. */
export interface VmMemoryColumns extends AllocationColumns {
  /** Configured, without overhead. */
  readonly sizeMb: Int32Array;
  /** Actively used, without overhead. */
  readonly activeMb: Float64Array;
  /** Held, active or not, without overhead. */
  readonly consumedMb: Float64Array;
  /** Kept by the host for running the VM: reserved, and not bounded by the VM's own limit. */
  readonly overheadMb: Int32Array;
}

/** Resource pools by row. Row 0 is the cluster's root pool; a pool stands behind the one it lies in, so there can be no cycle. */
export interface PoolColumns {
  /** Row of the pool above; -1 for row 0. */
  readonly parent: Int32Array;
  /** 1: shares of the pools below scale with what runs in them. Row 0: the setting of the cluster. vim25: scaleDescendantsShares. */
  readonly scalesShares: Uint8Array;
  readonly cpu: AllocationColumns;
  readonly memory: AllocationColumns;
}

/** Virtual machines by row. */
export interface VmColumns {
  /** Row of its pool. */
  readonly pool: Int32Array;
  /** Row of its host in the maker's own list, -1 without one. Entitlement is the cluster's matter and does not look at it. */
  readonly host: Int32Array;
  /** 1: powered on. Another VM has no shares, no demand and gets nothing. */
  readonly poweredOn: Uint8Array;
  readonly cpu: VmCpuColumns;
  readonly memory: VmMemoryColumns;
}

/**
 * All that the entitlements of one cluster follow from, as columns: a plain object whose columns share one buffer. It can be posted to a
 * worker thread as it is, or moved there with `buffersOf`. A pool takes 29 bytes, a VM 69.
 */
export interface ClusterTree {
  /** What the hosts that count have together. */
  readonly capacity: Amount;
  readonly pools: PoolColumns;
  readonly vms: VmColumns;
}

const POOL_BYTES = 7 * 4 + 1;
const VM_BYTES = 3 * 8 + 11 * 4 + 1;

/** A tree to fill in: every pool directly in the root, every VM off in the root, nothing reserved, limits unlimited, shares 0. */
export function allocateClusterTree(capacity: Amount, poolCount: number, vmCount: number): ClusterTree {
  const cut = new ColumnCutter(poolCount * POOL_BYTES + vmCount * VM_BYTES);
  const demandMhz = cut.doubles(vmCount);
  const activeMb = cut.doubles(vmCount);
  const consumedMb = cut.doubles(vmCount);
  const allocation = (rows: number): AllocationColumns => ({ reservation: cut.ints(rows), limit: cut.ints(rows, -1), shares: cut.ints(rows) });
  const parent = cut.ints(poolCount);
  parent[0] = -1;
  const pools = { parent, cpu: allocation(poolCount), memory: allocation(poolCount) };
  const vms = {
    pool: cut.ints(vmCount),
    host: cut.ints(vmCount, -1),
    cpu: { ...allocation(vmCount), sizeMhz: cut.ints(vmCount), demandMhz },
    memory: { ...allocation(vmCount), sizeMb: cut.ints(vmCount), activeMb, consumedMb, overheadMb: cut.ints(vmCount) },
  };
  return { capacity, pools: { ...pools, scalesShares: cut.bytes(poolCount) }, vms: { ...vms, poweredOn: cut.bytes(vmCount) } };
}

/** Refuses a tree whose rows name no pool, or whose figures are none: a mistake of the maker, said with the row. Throws RangeError. */
export function checkClusterTree({ capacity, pools, vms }: ClusterTree): void {
  const poolCount = pools.parent.length;
  if (poolCount === 0 || pools.parent[0] !== -1) throw new RangeError("row 0 of the pools must be the root pool, with parent -1");
  if (!(capacity.cpuMhz >= 0) || !(capacity.memoryMb >= 0)) throw new RangeError(`capacity must not be negative, is ${capacity.cpuMhz} MHz and ${capacity.memoryMb} MB`);
  for (let row = 1; row < poolCount; row += 1) {
    const parent = pools.parent[row] as number;
    if (parent < 0 || parent >= row) throw new RangeError(`pool ${row}: its parent ${parent} does not stand before it`);
  }
  for (let row = 0; row < vms.pool.length; row += 1) {
    const pool = vms.pool[row] as number;
    if (pool < 0 || pool >= poolCount) throw new RangeError(`VM ${row}: there is no pool ${pool}`);
  }
  checkAmounts("pool", "cpu", pools.cpu);
  checkAmounts("pool", "memory", pools.memory);
  checkAmounts("VM", "cpu", vms.cpu);
  checkAmounts("VM", "memory", vms.memory);
}

/** Every column but `limit` holds amounts. */
function checkAmounts(kind: string, resource: string, columns: AllocationColumns): void {
  for (const [name, column] of Object.entries(columns) as [string, Int32Array | Float64Array][]) {
    const least = name === "limit" ? -1 : 0;
    for (let row = 0; row < column.length; row += 1) {
      const value = column[row] as number;
      if (!(value >= least && value < Infinity)) throw new RangeError(`${kind} ${row}: ${resource} ${name} must be a number from ${least}, is ${value}`);
    }
  }
}
