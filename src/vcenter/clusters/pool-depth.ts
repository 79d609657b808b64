import type { Inventory } from "../inventory/inventory.js";
import type { PoolRecord } from "../store/records.js";
import { VimFault } from "../vim-fault.js";

/**
 * Pools lie one in the other so deep at most, the root pool not counted; vSphere's configuration maximums have as much. Sums over pools go up the
 * tree at each change, so a tree without an end would be one without an end of work.
 */
const MAX_DEPTH = 8;

/** Throws NotSupported where a pool with `below` levels of pools inside it would lie too deep in `parent`. */
export function requireDepth(inventory: Inventory, parent: PoolRecord, below = 0): void {
  let depth = 1 + below;
  for (let above = parent; above.parent !== undefined; above = inventory.pool(above.parent)) depth += 1;
  if (depth > MAX_DEPTH) throw VimFault.notSupported(`${depth} levels of resource pools below ${parent.moid}'s root, at most ${MAX_DEPTH} are taken`);
}

/** How many levels of pools a pool has inside it. */
export function levelsBelow(inventory: Inventory, moid: string): number {
  let levels = 0;
  for (let level = inventory.childPools(moid); level.length > 0; level = level.flatMap((pool) => inventory.childPools(pool.moid))) levels += 1;
  return levels;
}
