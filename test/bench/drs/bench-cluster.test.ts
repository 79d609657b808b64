import assert from "node:assert/strict";
import { test } from "node:test";
import type { ClusterTree } from "../../../src/vcenter/drs/entitlement/cluster-tree.js";
import { entitlements } from "../../../src/vcenter/drs/entitlement/entitlement.js";
import { benchCluster, benchSize, flatCluster } from "./bench-cluster.js";

function sum(column: Float64Array): number {
  return column.reduce((total, value) => total + value, 0);
}

function depthOf(tree: ClusterTree): number {
  const depths: number[] = [0];
  for (let row = 1; row < tree.pools.parent.length; row += 1) depths.push(1 + (depths[tree.pools.parent[row] as number] as number));
  return Math.max(...depths);
}

test("the cluster that is measured is the same each time, four pools deep, and short of both resources", () => {
  const size = benchSize(2000);
  assert.deepEqual(size, { vms: 2000, pools: 40, hosts: 100 });
  const tree = benchCluster(size);
  assert.deepEqual(tree, benchCluster(size));
  assert.equal(depthOf(tree), 4);
  const { vms } = entitlements(tree);
  for (const { entitled, wanted } of [vms.cpu, vms.memory]) assert.ok(sum(entitled) < 0.95 * sum(wanted));
});

test("the flat one is short, too", () => {
  const { cpu } = entitlements(flatCluster(1000)).vms;
  assert.ok(sum(cpu.entitled) < 0.75 * sum(cpu.wanted));
});
