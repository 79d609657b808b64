import assert from "node:assert/strict";
import { test } from "node:test";
import { allocateClusterTree, type ClusterTree } from "../../../../src/vcenter/drs/entitlement/cluster-tree.js";
import { entitlements } from "../../../../src/vcenter/drs/entitlement/entitlement.js";

/** Pools by parent and CPU shares; each number of `vms` is the pool of a running VM of 1000 CPU shares. */
function tree(pools: readonly (readonly [parent: number, shares: number])[], vms: readonly number[], scaling: readonly number[]): ClusterTree {
  const built = allocateClusterTree({ cpuMhz: 10_000, memoryMb: 0 }, pools.length + 1, vms.length);
  for (const [index, [parent, shares]] of pools.entries()) {
    built.pools.parent[index + 1] = parent;
    built.pools.cpu.shares[index + 1] = shares;
  }
  for (const row of scaling) built.pools.scalesShares[row] = 1;
  for (const [row, pool] of vms.entries()) {
    built.vms.pool[row] = pool;
    built.vms.poweredOn[row] = 1;
    built.vms.cpu.shares[row] = 1000;
    built.vms.cpu.sizeMhz[row] = 10_000;
    built.vms.cpu.demandMhz[row] = 10_000;
  }
  return built;
}

function sharesOf(built: ClusterTree): number[] {
  return [...entitlements(built).pools.cpu.shares];
}

test("a pool that scales scales all below it and not itself", () => {
  // 1 scales; 2 and 3 lie in it, 4 in 3; 5 lies beside it.
  const pools = [[0, 4000], [1, 4000], [1, 8000], [3, 2000], [0, 4000]] as const;
  assert.deepEqual(sharesOf(tree(pools, [2, 4, 4, 5], [1])), [0, 4000, 1000, 4000, 2000, 4000]);
});

test("a pool whose neighbours are VMs counts the shares inside, the VMs keep theirs", () => {
  const built = tree([[0, 8000]], [0, 1, 1, 1], [0]);
  assert.deepEqual(sharesOf(built), [0, 3000]);
  assert.equal(entitlements(built).vms.cpu.entitled[0], 2500);
});

test("custom numbers scale by their ratio; an empty pool is nobody's sibling; no shares stay none", () => {
  assert.deepEqual(sharesOf(tree([[0, 3000], [0, 2000], [0, 500]], [1, 1, 2], [0])), [0, 3000, 1000, 500]);
  assert.deepEqual(sharesOf(tree([[0, 3000], [0, 0]], [1, 1, 2], [0])), [0, 2000, 0]);
});

test("a VM that is off has no shares to add", () => {
  const built = tree([[0, 4000], [0, 4000]], [1, 1, 2], [0]);
  built.vms.poweredOn[1] = 0;
  assert.deepEqual(sharesOf(built), [0, 1000, 1000]);
});
