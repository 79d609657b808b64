import assert from "node:assert/strict";
import { test } from "node:test";
import { lines } from "../../src/cli/inventory.js";

const leaf = (...parts: readonly string[]): { parts: readonly string[]; below: [] } => ({ parts, below: [] });

test("the last branch is drawn as the last, and nothing stands below it", () => {
  assert.deepEqual(lines([{ parts: ["a"], below: [leaf("b")] }, { parts: ["c"], below: [leaf("d"), leaf("e")] }]), ["├─ a", "│  └─ b", "└─ c", "   ├─ d", "   └─ e"]);
});

test("the worked example: parts of an object that find no room beside it stand below, inside the tree", () => {
  const tree = [{ parts: ["a".repeat(18), "first"], below: [leaf("b")] }, leaf("c")];
  assert.deepEqual(lines(tree), [`├─ ${"a".repeat(18)}  first`, "│  └─ b", "└─ c"]);
  assert.deepEqual(lines(tree, 24), [`├─ ${"a".repeat(18)}`, "│    first", "│  └─ b", "└─ c"]);
});

test("no line is wider than the terminal, at any width from 60", () => {
  const host = leaf("esxi-01.spheresim.test", "host-21", "[█▒▒·········] 4000 reserved, 9837 active of 41600 MHz", "[███·········] 14597 reserved, 15176 active of 65536 MB");
  const tree = [{ parts: ["cluster", "domain-c8"], below: [{ parts: host.parts, below: [host] }, host] }];
  for (let columns = 60; columns <= 200; columns += 1) for (const line of lines(tree, columns)) assert.ok(line.length <= columns, `${columns}: ${line}`);
  assert.deepEqual(lines([host], 80), [
    "└─ esxi-01.spheresim.test  host-21",
    "     [█▒▒·········] 4000 reserved, 9837 active of 41600 MHz",
    "     [███·········] 14597 reserved, 15176 active of 65536 MB",
  ]);
});
