import assert from "node:assert/strict";
import { test } from "node:test";
import { clusterStatus } from "../../../src/vcenter/drs/cluster-status.js";
import type { PoolTree } from "../../../src/vcenter/drs/pool-tree.js";
import { goldenTree, memory, memoryPool } from "./golden-pools.js";

/** A root of 12 that has given 4 to a fixed pool and 4 to an expandable one inside it, each with a VM of 3. */
function cluster(): PoolTree {
  const tree = goldenTree([
    { name: "root", reserved: 12, expandable: false },
    { name: "fixed", parent: "root", reserved: 8, expandable: false },
    { name: "inner", parent: "fixed", reserved: 4, expandable: true },
    { name: "other root", reserved: 1, expandable: false },
  ]);
  tree.reserve("fixed", memory(3));
  tree.reserve("inner", memory(3));
  return tree;
}

test("green while every promise can be kept, borrowed ones too", () => {
  const tree = cluster();
  assert.equal(clusterStatus(tree, "root"), "green");
  tree.reserve("inner", memory(2));
  assert.equal(clusterStatus(tree, "root"), "green");
});

test("yellow when the pools are promised more than the hosts have", () => {
  const tree = cluster();
  tree.configure("root", memoryPool(7, false));
  assert.equal(clusterStatus(tree, "root"), "yellow");
});

test("red when what runs does not fit, or a pool gives more than its settings allow", () => {
  const short = cluster();
  short.configure("root", memoryPool(5, false));
  assert.equal(clusterStatus(short, "root"), "red");
  const lentTooMuch = cluster();
  lentTooMuch.reserve("inner", memory(3));
  assert.equal(clusterStatus(lentTooMuch, "root"), "red");
  const overLimit = cluster();
  overLimit.configure("inner", memoryPool(2, true, 2));
  assert.equal(clusterStatus(overLimit, "root"), "red");
});

test("another cluster's pools say nothing", () => {
  const tree = cluster();
  tree.reserve("other root", memory(5));
  assert.equal(clusterStatus(tree, "root"), "green");
  assert.equal(clusterStatus(tree, "other root"), "red");
});
