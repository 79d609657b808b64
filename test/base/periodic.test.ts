import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../src/base/clock.js";
import { Periodic } from "../../src/base/periodic.js";

test("a turn comes after each pause, a failed one is told and followed by the next, none comes after close", async () => {
  const clock = new ManualClock();
  const seen: string[] = [];
  const work = (): Promise<void> => {
    seen.push("turn");
    return seen.length === 1 ? Promise.reject(new Error("once")) : Promise.resolve();
  };
  const periodic = new Periodic({ everyMs: 10, clock, work, failed: (error) => void seen.push(String(error)) });
  periodic.start();
  assert.deepEqual(seen, []);
  await clock.advance(10);
  assert.deepEqual(seen, ["turn", "Error: once"]);
  await clock.advance(10);
  assert.deepEqual(seen, ["turn", "Error: once", "turn"]);
  await periodic.close();
  await clock.advance(10);
  assert.equal(seen.length, 3);
});
