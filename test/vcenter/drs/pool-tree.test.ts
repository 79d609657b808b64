import assert from "node:assert/strict";
import { test } from "node:test";
import { PoolTree } from "../../../src/vcenter/drs/pool-tree.js";
import { memory, memoryPool } from "./golden-pools.js";

test("a limit stops an expandable pool; changed settings are admitted by the parent", () => {
  const tree = new PoolTree();
  tree.add("root", undefined, memoryPool(100, false));
  tree.add("limited", "root", memoryPool(0, true, 30));
  tree.reserve("limited", memory(25));
  assert.equal(tree.shortage("limited", memory(6))?.unreserved, 5);
  assert.equal(tree.shortageOf("limited", memoryPool(100, true)), undefined);
  assert.deepEqual(tree.shortageOf("limited", memoryPool(101, true)), { resource: "memoryMb", unreserved: 75, requested: 76 });
  assert.deepEqual(tree.shortageOf("limited", memoryPool(20, false)), { resource: "memoryMb", unreserved: 20, requested: 25 });
  tree.configure("limited", memoryPool(60, true));
  assert.equal(tree.used("root").memoryMb, 60);
  tree.reserve("limited", memory(-25));
  tree.remove("limited");
  assert.equal(tree.used("root").memoryMb, 0);
});
