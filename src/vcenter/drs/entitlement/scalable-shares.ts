import type { ClusterTree } from "./cluster-tree.js";
import type { RunningSiblings } from "./running-siblings.js";

/**
 * The shares in force by row of RunningSiblings: the configured number, except for pools below a cluster or pool with scalable shares
 * (vSphere 7), whose number grows with what runs inside:
 *
 *     shares of a pool = its configured shares / the least configured shares among its sibling pools * sum of the shares inside
 *
 * With levels the fraction is 1, 2 or 4. VMs beside the pools keep their own number. Only pools in which something runs count as siblings.
 *
 * Example (F. Denneman, vSphere 7 DRS scalable shares deep dive): VMs of 2000 CPU shares, six in a pool of level high, two in one of level
 * normal: high 8000 / 4000 * 12,000 = 24,000, normal 4000. A VM in high then gets 24,000 / 28,000 / 6 = 14.29 %, in normal 7.14 %. The two static numbers,
 * 8000 and 4000, would give the VM in high 11.11 % and the one in normal 16.67 %.
 */
export function sharesInForce({ pools, vms }: ClusterTree, resource: "cpu" | "memory", { poolCount, vmCount, running }: RunningSiblings): Float64Array {
  const configured = pools[resource].shares;
  const shares = new Float64Array(poolCount + vmCount);
  shares.set(configured);
  shares.set(vms[resource].shares, poolCount);
  const { scaled, any } = scaledPools(pools.parent, pools.scalesShares);
  if (!any) return shares;

  const least = new Float64Array(poolCount).fill(Infinity);
  for (let pool = 1; pool < poolCount; pool += 1) {
    const parent = pools.parent[pool] as number;
    const own = configured[pool] as number;
    if (running[pool] === 1 && own > 0 && own < (least[parent] as number)) least[parent] = own;
  }
  const inside = new Float64Array(poolCount);
  for (let vm = 0; vm < vmCount; vm += 1) if (vms.poweredOn[vm] === 1) (inside[vms.pool[vm] as number] as number) += shares[poolCount + vm] as number;
  for (let pool = poolCount - 1; pool > 0; pool -= 1) {
    if (running[pool] !== 1) continue;
    const parent = pools.parent[pool] as number;
    const own = configured[pool] as number;
    if (scaled[pool] === 1 && own > 0) shares[pool] = (own / (least[parent] as number)) * (inside[pool] as number);
    (inside[parent] as number) += shares[pool] as number;
  }
  return shares;
}

/** Which pools lie below one that scales. */
function scaledPools(parent: Int32Array, scalesShares: Uint8Array): { readonly scaled: Uint8Array; readonly any: boolean } {
  const scaled = new Uint8Array(parent.length);
  let any = false;
  for (let pool = 1; pool < parent.length; pool += 1) {
    const above = parent[pool] as number;
    if (scalesShares[above] !== 1 && scaled[above] !== 1) continue;
    scaled[pool] = 1;
    any = true;
  }
  return { scaled, any };
}
