import { plus, NOTHING, RESOURCES } from "./amount.js";
import type { PoolTree } from "./pool-tree.js";

/**
 * How a cluster stands with what it has promised. vim25: ManagedEntityStatus of ClusterComputeResource.
 *
 * - `green`: valid.
 * - `yellow`: overcommitted. The pools reserve more than the hosts have, what runs still fits.
 * - `red`: invalid. A pool gives more than its settings allow, or what runs reserves more than the hosts have.
 */
export type ClusterStatus = "green" | "yellow" | "red";

/**
 * Status of the cluster below a root pool, whose reservation is the capacity of the cluster's hosts (vSphere Resource Management Guide,
 * "DRS Cluster Validity").
 *
 * Example: three hosts of 4, pools that reserve 4, 5 and 3. One host is lost with the two VMs on it: what still runs needs 6 of 8, but
 * 12 are promised: yellow, not red.
 */
export function clusterStatus(pools: PoolTree, root: string): ClusterStatus {
  let running = NOTHING;
  for (const moid of pools.within(root)) {
    running = plus(running, pools.reservedByVms(moid));
    if (moid !== root && isInconsistent(pools, moid)) return "red";
  }
  const { reservation: capacity } = pools.allocation(root);
  const used = pools.used(root);
  if (RESOURCES.some((resource) => running[resource] > capacity[resource])) return "red";
  return RESOURCES.some((resource) => used[resource] > capacity[resource]) ? "yellow" : "green";
}

/** Whether what is reserved in the pool breaks its own settings. What an expandable pool borrows shows in the pool above it. */
function isInconsistent(pools: PoolTree, moid: string): boolean {
  const { reservation, limit, expandable } = pools.allocation(moid);
  const used = pools.used(moid);
  return RESOURCES.some((resource) => used[resource] > limit[resource] || (!expandable[resource] && used[resource] > reservation[resource]));
}
