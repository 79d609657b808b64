import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../src/base/clock.js";
import { Pace } from "../../src/base/pace.js";

test("a stretch is over after its time by the clock, and the next one begins when it is told to", async () => {
  const clock = new ManualClock();
  const pace = new Pace(clock, 2);
  assert.equal(pace.isOver, false);
  await clock.advance(1.5);
  assert.equal(pace.isOver, false);
  await clock.advance(0.5);
  assert.deepEqual([pace.isOver, pace.stretch], [true, 0]);
  pace.begin();
  assert.deepEqual([pace.isOver, pace.stretch], [false, 1]);
});
