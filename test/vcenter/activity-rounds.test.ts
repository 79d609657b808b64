import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock, nextTurn } from "../../src/base/clock.js";
import { silentLogger } from "../../src/base/log.js";
import { ActivityRounds } from "../../src/vcenter/activity/activity-rounds.js";
import type { Inventory } from "../../src/vcenter/inventory/inventory.js";

/** VMs of which each takes its time to read; time passes by reading alone. */
function slowVms(count: number, readMs: number) {
  const monotonic = Object.assign(new ManualClock(), { nowMs: () => nowMs });
  let nowMs = 0;
  const read: string[] = [];
  const moids = Array.from({ length: count }, (_, index) => `vm-${index}`);
  const inventory = {
    meter: { varying: moids },
    readUse: (moid: string) => {
      nowMs += readMs;
      read.push(moid);
    },
  } as unknown as Inventory;
  return { inventory, monotonic, moids, read };
}

test("a round gives way to others every 2 ms, however long a VM takes to read, and reads each once", async () => {
  for (const [readMs, atAStretch] of [[0.036, 56], [1, 2], [5, 1]] as const) {
    const { inventory, monotonic, moids, read } = slowVms(500, readMs);
    const rounds = new ActivityRounds(inventory, new ManualClock(), monotonic, silentLogger);
    const stretches: number[] = [];
    let over = false;
    const round = rounds.round().then(() => (over = true));
    for (let before = 0; !over; await nextTurn()) {
      if (read.length > before) stretches.push(read.length - before);
      before = read.length;
    }
    await round;
    await rounds.close();
    assert.deepEqual(read, moids);
    assert.ok(Math.max(...stretches) <= atAStretch, `${readMs} ms: ${Math.max(...stretches)} at a stretch`);
  }
});

test("a round that is closed ends at its next pause", async () => {
  const { inventory, monotonic, read } = slowVms(500, 1);
  const rounds = new ActivityRounds(inventory, new ManualClock(), monotonic, silentLogger);
  const round = rounds.round();
  await rounds.close();
  await round;
  assert.equal(read.length, 2);
});
