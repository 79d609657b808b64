import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../src/base/clock.js";
import { Dice } from "../../src/base/seeded-random.js";
import { PodRetries } from "../../src/spherelet/pods/pod-retries.js";

test("a reason to try now counts also when it comes between the failure and the wait; the next failure waits again", async () => {
  const clock = new ManualClock();
  const retries = new PodRetries({ clock, monotonic: clock }, new Dice(1));
  const { signal } = new AbortController();
  retries.failed();
  retries.hurry();
  await retries.wait(true, signal);
  retries.failed();
  let over = false;
  const wait = retries.wait(true, signal).then(() => (over = true));
  await clock.advance(0);
  assert.deepEqual([over, clock.waiting], [false, 1]);
  retries.hurry();
  await wait;
  assert.equal(clock.waiting, 0);
});
