import type { MemoryMetric } from "../memory-demand.js";
import { type Bounds, cpuBounds, memoryBounds, type WantBasis } from "./bounds.js";
import { checkClusterTree, type ClusterTree } from "./cluster-tree.js";
import { divvy } from "./divvy.js";
import { DEFAULT_IDLE_TAX, idleCost } from "./idle-tax.js";
import { type RunningSiblings, runningSiblings } from "./running-siblings.js";
import { sharesInForce } from "./scalable-shares.js";

/** How entitlements are reckoned. */
export interface EntitlementOptions {
  /** What VMs are taken to want; `demand` unless stated. */
  readonly basis?: WantBasis;
  /** What counts as demand of memory; `active` unless stated. */
  readonly memoryMetric?: MemoryMetric;
  /** From 0, none, to 0.99; 0.75 unless stated. */
  readonly idleTax?: number;
}

/** One resource of VMs or pools, MHz or MB, by row of the tree's columns; memory with overhead. */
export interface EntitledColumns {
  /** What it deserves at this moment; 0 when powered off. */
  readonly entitled: Float64Array;
  /** What it could use: demand within limit and configured size. What is above `entitled` stays unserved. */
  readonly wanted: Float64Array;
}

/** The same of pools, with their shares in force: scaled where scalable shares are on. */
export interface EntitledPoolColumns extends EntitledColumns {
  readonly shares: Float64Array;
}

/** Entitlements of a cluster: typed arrays, 32 bytes a VM, that can be posted or moved as they are. */
export interface Entitlements {
  readonly vms: { readonly cpu: EntitledColumns; readonly memory: EntitledColumns };
  readonly pools: { readonly cpu: EntitledPoolColumns; readonly memory: EntitledPoolColumns };
}

/**
 * Dynamic entitlement of every pool and VM of a cluster: the capacity is divided among those below the root (divvy.ts), what a pool gets
 * among those inside it, down to the VMs. Where everything wanted fits, everyone is entitled to what it wants. Time is linear in
 * pools and VMs times the rounds of divvy.ts: 100,000 VMs in 2,000 pools take some 15 ms, so a large cluster's pass belongs in a worker.
 *
 * Example (F. Denneman, Mixing resource pools and virtual machines on the same hierarchical level): below the root a pool of 4000 shares and
 * a VM of 2000, in the pool VMs of 1000 and 2000. All busy, the VM beside the pool gets 33.33 %, the first one inside 22.22 %.
 *
 * Throws RangeError for a tree that is none (checkClusterTree) or a tax out of range.
 */
export function entitlements(tree: ClusterTree, options: EntitlementOptions = {}): Entitlements {
  const { basis = "demand", memoryMetric = "active", idleTax = DEFAULT_IDLE_TAX } = options;
  const memoryIdleCost = idleCost(idleTax);
  checkClusterTree(tree);
  const siblings = runningSiblings(tree);
  const cpu = divideTree(tree.capacity.cpuMhz, siblings, cpuBounds(tree, siblings, basis), sharesInForce(tree, "cpu", siblings), 1);
  const memory = divideTree(tree.capacity.memoryMb, siblings, memoryBounds(tree, siblings, basis, memoryMetric), sharesInForce(tree, "memory", siblings), memoryIdleCost);
  return { vms: { cpu: cpu.vms, memory: memory.vms }, pools: { cpu: cpu.pools, memory: memory.pools } };
}

interface DividedTree {
  readonly vms: EntitledColumns;
  readonly pools: EntitledPoolColumns;
}

/** A pool stands before those inside it, so what it gets is known when its turn comes. */
function divideTree(capacity: number, { poolCount, from, rows }: RunningSiblings, bounds: Bounds, shares: Float64Array, idleCostOfResource: number): DividedTree {
  const entitled = new Float64Array(bounds.cap.length);
  const poolShares = shares.slice(0, poolCount);
  entitled[0] = Math.min(capacity, bounds.cap[0] as number);
  for (let pool = 0; pool < poolCount; pool += 1) {
    const first = from[pool] as number;
    const end = from[pool + 1] as number;
    if (first < end) divvy(entitled[pool] as number, rows, first, end, bounds, shares, idleCostOfResource, entitled);
  }
  return {
    vms: { entitled: entitled.slice(poolCount), wanted: bounds.cap.slice(poolCount) },
    pools: { entitled: entitled.slice(0, poolCount), wanted: bounds.cap.slice(0, poolCount), shares: poolShares },
  };
}
