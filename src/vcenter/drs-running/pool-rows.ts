import { type Cluster } from "../../gen/spheresim/vcenter/v1/inventory.js";
import { type ResourceAllocationInfo, ScaleSharesBehavior } from "../../gen/spheresim/vim/v1/resource.js";
import type { AllocationColumns, ClusterTree } from "../drs/entitlement/cluster-tree.js";
import type { Inventory } from "../inventory/inventory.js";
import type { PoolRecord } from "../store/records.js";
import type { Stretches } from "./stretches.js";

const SCALES = ScaleSharesBehavior.SCALE_CPU_AND_MEMORY_SHARES;

/** The pools of a cluster, each behind the one it lies in. */
export function poolsOf(inventory: Inventory, { rootPool }: Cluster): readonly PoolRecord[] {
  const children = new Map<string, PoolRecord[]>();
  for (const pool of inventory.pools) {
    if (pool.parent === undefined) continue;
    const siblings = children.get(pool.parent);
    if (siblings === undefined) children.set(pool.parent, [pool]);
    else siblings.push(pool);
  }
  const pools = [inventory.pool(rootPool?.value ?? "")];
  for (let at = 0; at < pools.length; at += 1) pools.push(...(children.get(pools[at]?.moid ?? "") ?? []));
  return pools;
}

/** Reads pools into their rows. The root's settings are the cluster's: its hosts, and whether all shares scale. */
export async function readPools(tree: ClusterTree, pools: readonly PoolRecord[], rows: ReadonlyMap<string, number>, cluster: Cluster, stretches: Stretches): Promise<void> {
  for (const [row, { parent, config }] of pools.entries()) {
    const pause = stretches.step();
    if (pause !== undefined) await pause;
    if (row === 0) {
      tree.pools.scalesShares[0] = cluster.scaleDescendantsShares === SCALES ? 1 : 0;
      continue;
    }
    tree.pools.parent[row] = rows.get(parent ?? "") ?? 0;
    tree.pools.scalesShares[row] = config.scaleDescendantsShares === SCALES ? 1 : 0;
    setAllocation(tree.pools.cpu, row, config.cpuAllocation);
    setAllocation(tree.pools.memory, row, config.memoryAllocation);
  }
}

/** Settings of one resource of a pool or VM, which are complete by the time they are stored. */
export function setAllocation(columns: AllocationColumns, row: number, info: ResourceAllocationInfo | undefined): void {
  columns.reservation[row] = info?.reservation ?? 0;
  columns.limit[row] = info?.limit ?? -1;
  columns.shares[row] = info?.shares?.shares ?? 0;
}
