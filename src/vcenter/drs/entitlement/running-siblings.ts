import type { ClusterTree } from "./cluster-tree.js";

/**
 * Who competes with whom: below each pool the VMs that are powered on, and the pools that have one somewhere inside. Pools keep their
 * rows, VMs follow behind the pools: VM 3 beside 10 pools is row 13.
 *
 * Example: root 0 with pools 1 and 2, both empty but for VM 0 in pool 1 (row 3): below the root stands 1, below 1 stands 3, pool 2
 * is nobody's sibling. `from` is [0, 1, 2, 2], `rows` [1, 3].
 */
export interface RunningSiblings {
  readonly poolCount: number;
  readonly vmCount: number;
  /** Pool p's children are `rows` from `from[p]` to before `from[p + 1]`. */
  readonly from: Int32Array;
  readonly rows: Int32Array;
  /** By pool: 1 when something runs in it. */
  readonly running: Uint8Array;
}

/** The siblings of a tree that was checked. */
export function runningSiblings({ pools, vms }: ClusterTree): RunningSiblings {
  const poolCount = pools.parent.length;
  const vmCount = vms.pool.length;
  const running = new Uint8Array(poolCount);
  // One slot further on than its pool, so that sums of what stands before become the beginnings.
  const from = new Int32Array(poolCount + 1);
  for (let vm = 0; vm < vmCount; vm += 1) {
    if (vms.poweredOn[vm] !== 1) continue;
    const pool = vms.pool[vm] as number;
    running[pool] = 1;
    (from[pool + 1] as number)++;
  }
  for (let pool = poolCount - 1; pool > 0; pool -= 1) {
    if (running[pool] !== 1) continue;
    const parent = pools.parent[pool] as number;
    running[parent] = 1;
    (from[parent + 1] as number)++;
  }
  for (let pool = 0; pool < poolCount; pool += 1) (from[pool + 1] as number) += from[pool] as number;
  const next = from.slice(0, poolCount);
  const rows = new Int32Array(from[poolCount] as number);
  const put = (parent: number, row: number): void => {
    const at = next[parent] as number;
    rows[at] = row;
    next[parent] = at + 1;
  };
  for (let pool = 1; pool < poolCount; pool += 1) if (running[pool] === 1) put(pools.parent[pool] as number, pool);
  for (let vm = 0; vm < vmCount; vm += 1) if (vms.poweredOn[vm] === 1) put(vms.pool[vm] as number, poolCount + vm);
  return { poolCount, vmCount, from, rows, running };
}
