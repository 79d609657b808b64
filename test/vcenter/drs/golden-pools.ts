import type { Amount } from "../../../src/vcenter/drs/amount.js";
import { type PoolAllocation, PoolTree } from "../../../src/vcenter/drs/pool-tree.js";
import type { GoldenPool } from "./golden.js";

/** So much memory, no CPU. */
export function memory(memoryMb: number): Amount {
  return { cpuMhz: 0, memoryMb };
}

/** Settings of a pool that speak of memory alone. */
export function memoryPool(reservation: number, expandable: boolean, limit = Infinity): PoolAllocation {
  return { reservation: memory(reservation), limit: { cpuMhz: Infinity, memoryMb: limit }, expandable: { cpuMhz: true, memoryMb: expandable } };
}

/** A golden's pools, without VMs. */
export function goldenTree(pools: readonly GoldenPool[]): PoolTree {
  const tree = new PoolTree();
  for (const { name, parent, reserved, expandable } of pools) tree.add(name, parent, memoryPool(reserved, expandable));
  return tree;
}
