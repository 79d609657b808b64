import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../src/base/clock.js";
import { silentLogger } from "../../src/base/log.js";
import { WorkQueue } from "../../src/kubernetes/work-queue.js";

function setUp(work: (key: string) => Promise<void>, workers = 2) {
  const clock = new ManualClock();
  const queue = new WorkQueue({ clock, log: silentLogger, name: "test", workers, work });
  queue.start();
  return { clock, queue };
}

test("a key is worked on once however often it is added, and again if added meanwhile", async () => {
  const done: string[] = [];
  let release: () => void = () => undefined;
  const { clock, queue } = setUp(async (key) => {
    done.push(key);
    if (done.length === 1) await new Promise<void>((resolve) => (release = resolve));
  });
  queue.add("a");
  queue.add("a");
  queue.add("a");
  await clock.advance(0);
  assert.deepEqual(done, ["a"]);
  release();
  await clock.advance(0);
  assert.deepEqual(done, ["a", "a"]);
  await queue.close();
});

test("failures come again with growing pauses, and a success forgets them", async () => {
  let tries = 0;
  const { clock, queue } = setUp(async () => {
    tries += 1;
    if (tries < 4) throw new Error("not yet");
    await Promise.resolve();
  });
  queue.add("a");
  await clock.advance(4);
  assert.equal(tries, 1);
  await clock.advance(1);
  assert.equal(tries, 2);
  await clock.advance(30);
  assert.equal(tries, 4);
  assert.equal(queue.size, 0);
  await queue.close();
});

test("of two later moments the earlier counts; workers are bounded; close stops all", async () => {
  const done: string[] = [];
  const releases: (() => void)[] = [];
  const { clock, queue } = setUp(async (key) => {
    done.push(key);
    await new Promise<void>((resolve) => void releases.push(resolve));
  });
  queue.addAfter("a", 100);
  queue.addAfter("a", 50);
  queue.addAfter("a", 80);
  await clock.advance(50);
  assert.deepEqual(done, ["a"]);
  queue.add("b");
  queue.add("c");
  queue.addAfter("d", 10);
  await clock.advance(0);
  assert.deepEqual(done, ["a", "b"]);
  const closed = queue.close();
  for (const release of releases) release();
  await closed;
  await clock.advance(100);
  assert.deepEqual(done, ["a", "b"]);
});
