import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock, monotonicClock } from "../../src/base/clock.js";

test("timers fire in the order they are due, each at its own time", async () => {
  const clock = new ManualClock(100);
  const fired: string[] = [];
  clock.timer(30, () => fired.push(`b@${clock.nowMs()}`));
  clock.timer(10, () => {
    fired.push(`a@${clock.nowMs()}`);
    clock.timer(5, () => fired.push(`c@${clock.nowMs()}`));
  });
  clock.timer(20, () => fired.push("never")).cancel();
  await clock.advance(20);
  assert.deepEqual(fired, ["a@110", "c@115"]);
  assert.equal(clock.nowMs(), 120);
  await clock.advance(10);
  assert.deepEqual(fired, ["a@110", "c@115", "b@130"]);
  assert.equal(clock.waiting, 0);
});

test("what a sleeper does next happens before the next timer", async () => {
  const clock = new ManualClock();
  const seen: number[] = [];
  const sleeper = (async () => {
    for (let turn = 0; turn < 3; turn += 1) {
      await clock.sleep(10);
      seen.push(clock.nowMs());
    }
  })();
  await clock.advance(30);
  await sleeper;
  assert.deepEqual(seen, [10, 20, 30]);
});

test("a sleep ends with its signal's reason and leaves no timer behind", async () => {
  const clock = new ManualClock();
  const stop = new AbortController();
  const reason = new Error("enough");
  const sleep = assert.rejects(clock.sleep(1_000, stop.signal), reason);
  stop.abort(reason);
  await sleep;
  assert.equal(clock.waiting, 0);
  await assert.rejects(clock.sleep(1_000, stop.signal), reason);
});

test("the system's clock sleeps, wakes and does not fire a wait of months at once", async () => {
  const clock = monotonicClock();
  const beforeMs = clock.nowMs();
  await clock.sleep(1);
  assert.ok(clock.nowMs() > beforeMs);
  let fired = false;
  const months = clock.timer(90 * 24 * 3600 * 1000, () => (fired = true));
  await clock.sleep(2);
  months.cancel();
  assert.equal(fired, false);
});
