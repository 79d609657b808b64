import assert from "node:assert/strict";
import { test } from "node:test";
import { GuestRestarts } from "../../src/vcenter/hosts/guest-restarts.js";

test("the waits grow as a kubelet's, are the VM's own, and end with ten good minutes", () => {
  const restarts = new GuestRestarts();
  let nowMs = 0;
  const waits = Array.from({ length: 8 }, () => {
    const waitMs = restarts.waitMs("vm-1", nowMs);
    nowMs += waitMs + 1_000;
    return waitMs / 1000;
  });
  assert.deepEqual(waits, [0, 10, 20, 40, 80, 160, 300, 300]);
  assert.equal(restarts.waitMs("vm-2", nowMs), 0);
  assert.equal(restarts.waitMs("vm-1", nowMs + 600_001), 0);
  restarts.forget("vm-1");
  assert.equal(restarts.waitMs("vm-1", nowMs + 600_002), 0);
});
