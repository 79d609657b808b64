import { memoryDemandMb, type MemoryMetric } from "../memory-demand.js";
import type { AllocationColumns, ClusterTree } from "./cluster-tree.js";
import type { RunningSiblings } from "./running-siblings.js";

/** What VMs are taken to want: what they demand, or their whole configured size, as if all were busy (the client's worst case allocation). */
export type WantBasis = "demand" | "size";

/** Between what a pool or VM is guaranteed and what it can use at most, one resource, by row of RunningSiblings; floor <= knee <= cap. */
export interface Bounds {
  /** Guaranteed: the reservation, with overhead; of a pool at least what is guaranteed to those inside. Never over the cap. */
  readonly floor: Float64Array;
  /** Where active use ends and idle memory begins, which costs more; the cap where nothing is idle. What is guaranteed costs nothing, idle or not. */
  readonly knee: Float64Array;
  /** The least of limit, demand and configured size; of a pool the least of its limit and the caps of those inside. */
  readonly cap: Float64Array;
}

/** Bounds of CPU, MHz. CPU that nobody uses is not held by anybody: no knee. */
export function cpuBounds(tree: ClusterTree, siblings: RunningSiblings, basis: WantBasis): Bounds {
  const { cpu, poweredOn } = tree.vms;
  const bounds = emptyBounds(siblings);
  for (let vm = 0; vm < siblings.vmCount; vm += 1) {
    if (poweredOn[vm] !== 1) continue;
    const size = cpu.sizeMhz[vm] as number;
    const cap = limited(cpu, vm, basis === "size" ? size : Math.min(size, cpu.demandMhz[vm] as number));
    setBounds(bounds, siblings.poolCount + vm, cpu.reservation[vm] as number, cap, cap);
  }
  gatherPools(tree, tree.pools.cpu, siblings, bounds);
  return bounds;
}

/** Bounds of memory, MB, overhead included: it is reserved, and neither limit nor configured size speak of it. */
export function memoryBounds(tree: ClusterTree, siblings: RunningSiblings, basis: WantBasis, metric: MemoryMetric): Bounds {
  const { memory, poweredOn } = tree.vms;
  const bounds = emptyBounds(siblings);
  for (let vm = 0; vm < siblings.vmCount; vm += 1) {
    if (poweredOn[vm] !== 1) continue;
    const overhead = memory.overheadMb[vm] as number;
    const size = memory.sizeMb[vm] as number;
    const active = basis === "size" ? size : (memory.activeMb[vm] as number);
    const demand = basis === "size" ? size : memoryDemandMb(active, memory.consumedMb[vm] as number, 0, metric);
    const cap = limited(memory, vm, Math.min(size, demand)) + overhead;
    setBounds(bounds, siblings.poolCount + vm, (memory.reservation[vm] as number) + overhead, active + overhead, cap);
  }
  gatherPools(tree, tree.pools.memory, siblings, bounds);
  return bounds;
}

function emptyBounds({ poolCount, vmCount }: RunningSiblings): Bounds {
  const rows = poolCount + vmCount;
  return { floor: new Float64Array(rows), knee: new Float64Array(rows), cap: new Float64Array(rows) };
}

function limited({ limit }: AllocationColumns, row: number, amount: number): number {
  const most = limit[row] as number;
  return most < 0 ? amount : Math.min(most, amount);
}

function setBounds({ floor, knee, cap }: Bounds, row: number, guaranteed: number, active: number, most: number): void {
  const least = Math.min(most, guaranteed);
  floor[row] = least;
  knee[row] = Math.min(most, Math.max(least, active));
  cap[row] = most;
}

/** Pools from the leaves up: each first sums those inside, then its own settings bound the sums. */
function gatherPools({ pools, vms }: ClusterTree, settings: AllocationColumns, { poolCount, vmCount, running }: RunningSiblings, bounds: Bounds): void {
  const { floor, knee, cap } = bounds;
  const add = (row: number, pool: number): void => {
    (floor[pool] as number) += floor[row] as number;
    (knee[pool] as number) += knee[row] as number;
    (cap[pool] as number) += cap[row] as number;
  };
  for (let vm = 0; vm < vmCount; vm += 1) if (vms.poweredOn[vm] === 1) add(poolCount + vm, vms.pool[vm] as number);
  for (let pool = poolCount - 1; pool >= 0; pool -= 1) {
    if (running[pool] !== 1) continue;
    const guaranteed = Math.max(settings.reservation[pool] as number, floor[pool] as number);
    setBounds(bounds, pool, guaranteed, knee[pool] as number, limited(settings, pool, cap[pool] as number));
    if (pool > 0) add(pool, pools.parent[pool] as number);
  }
}
