import assert from "node:assert/strict";
import { test } from "node:test";
import { PoolTree, ROOT_ALLOCATION } from "../../../src/vcenter/drs/pool-tree.js";

test("what VMs use counts in their pool and those above it, also after the pool moved", () => {
  const tree = new PoolTree();
  tree.add("root", undefined, ROOT_ALLOCATION);
  for (const [pool, parent] of [["red", "root"], ["blue", "root"], ["dark red", "red"]] as const) tree.add(pool, parent, ROOT_ALLOCATION);
  tree.use("dark red", { cpuMhz: 300, memoryMb: 30 });
  tree.use("blue", { cpuMhz: 100, memoryMb: 10 });
  const mhz = (): number[] => ["root", "red", "blue", "dark red"].map((pool) => tree.active(pool).cpuMhz);
  assert.deepEqual(mhz(), [400, 300, 100, 300]);
  tree.move("dark red", "blue");
  assert.deepEqual(mhz(), [400, 0, 400, 300]);
  tree.use("dark red", { cpuMhz: -300, memoryMb: -30 });
  assert.deepEqual(mhz(), [100, 0, 100, 0]);
});
