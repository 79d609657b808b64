import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryOverheadMb } from "../../../src/vcenter/drs/memory-overhead.js";

test("overhead lies on lines between the points of the table, and beyond them", () => {
  assert.equal(memoryOverheadMb(1, 512), 23);
  assert.ok(memoryOverheadMb(3, 1024) > memoryOverheadMb(2, 1024) && memoryOverheadMb(3, 1024) < memoryOverheadMb(4, 1024));
  assert.ok(memoryOverheadMb(1, 4) > 0);
  assert.ok(memoryOverheadMb(64, 524_288) > memoryOverheadMb(8, 16_384));
});
