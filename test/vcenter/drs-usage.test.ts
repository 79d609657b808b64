import assert from "node:assert/strict";
import { test } from "node:test";
import { DrsUsage } from "../../src/vcenter/drs-running/drs-usage.js";

test("a score that stays is not told again", () => {
  const usage = new DrsUsage();
  const told = (drsScore: number | undefined, ...numVmsPerDrsScoreBucket: number[]): boolean => usage.setCluster("domain-c8", { drsScore, numVmsPerDrsScoreBucket });
  assert.deepEqual([told(100, 0, 1), told(100, 0, 1), told(90, 0, 1), told(90, 1, 0), told(undefined, 1, 0)], [true, false, true, true, true]);
});
