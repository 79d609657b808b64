import assert from "node:assert/strict";
import { test } from "node:test";
import { allocateClusterTree, checkClusterTree, type ClusterTree } from "../../../../src/vcenter/drs/entitlement/cluster-tree.js";
import { runningSiblings } from "../../../../src/vcenter/drs/entitlement/running-siblings.js";

test("a new tree is empty: all off, unlimited, in the root", () => {
  const tree = allocateClusterTree({ cpuMhz: 1, memoryMb: 1 }, 2, 3);
  checkClusterTree(tree);
  assert.deepEqual([...tree.pools.parent], [-1, 0]);
  assert.deepEqual([...tree.vms.memory.limit, ...tree.pools.cpu.limit], [-1, -1, -1, -1, -1]);
  assert.equal(tree.vms.pool.buffer.byteLength, 2 * 29 + 3 * 69);
});

test("a tree that is none is refused with the row and what is wrong", () => {
  const cases: readonly [RegExp, (tree: ClusterTree) => void][] = [
    [/^row 0 of the pools must be the root pool/, (tree) => (tree.pools.parent[0] = 0)],
    [/^pool 2: its parent 2 does not stand before it$/, (tree) => (tree.pools.parent[2] = 2)],
    [/^pool 1: its parent -1 does not stand before it$/, (tree) => (tree.pools.parent[1] = -1)],
    [/^VM 0: there is no pool 3$/, (tree) => (tree.vms.pool[0] = 3)],
    [/^VM 1: there is no pool -1$/, (tree) => (tree.vms.pool[1] = -1)],
    [/^pool 1: memory shares must be a number from 0, is -5$/, (tree) => (tree.pools.memory.shares[1] = -5)],
    [/^pool 2: cpu limit must be a number from -1, is -2$/, (tree) => (tree.pools.cpu.limit[2] = -2)],
    [/^VM 1: cpu demandMhz must be a number from 0, is NaN$/, (tree) => (tree.vms.cpu.demandMhz[1] = NaN)],
    [/^VM 0: memory activeMb must be a number from 0, is Infinity$/, (tree) => (tree.vms.memory.activeMb[0] = Infinity)],
    [/^VM 0: memory overheadMb must be a number from 0, is -1$/, (tree) => (tree.vms.memory.overheadMb[0] = -1)],
  ];
  for (const [message, spoil] of cases) {
    const tree = allocateClusterTree({ cpuMhz: 1, memoryMb: 1 }, 3, 2);
    spoil(tree);
    assert.throws(() => checkClusterTree(tree), { name: "RangeError", message });
  }
  assert.throws(() => checkClusterTree(allocateClusterTree({ cpuMhz: NaN, memoryMb: 1 }, 1, 0)), /capacity must not be negative/);
  assert.throws(() => checkClusterTree(allocateClusterTree({ cpuMhz: 1, memoryMb: 1 }, 0, 0)), /row 0/);
});

test("siblings are who runs: pools with something running inside, then VMs", () => {
  const tree = allocateClusterTree({ cpuMhz: 1, memoryMb: 1 }, 3, 2);
  tree.vms.pool[0] = 1;
  tree.vms.poweredOn[0] = 1;
  tree.vms.pool[1] = 2;
  const siblings = runningSiblings(tree);
  assert.deepEqual([...siblings.from], [0, 1, 2, 2]);
  assert.deepEqual([...siblings.rows], [1, 3]);
  assert.deepEqual([...siblings.running], [1, 1, 0]);
});
