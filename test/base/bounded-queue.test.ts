import assert from "node:assert/strict";
import { test } from "node:test";
import { BoundedQueue, QueueOverflow } from "../../src/base/bounded-queue.js";

async function drain<T>(queue: BoundedQueue<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of queue) items.push(item);
  return items;
}

test("elements come out in order, before and after a reader waits", async () => {
  const queue = new BoundedQueue<number>(10, "refuse");
  queue.push(1);
  const reading = drain(queue);
  await Promise.resolve();
  queue.push(2);
  queue.push(3);
  queue.close();
  assert.deepEqual(await reading, [1, 2, 3]);
  assert.equal(queue.push(4), false);
});

test("each overflow policy keeps what it says", async () => {
  const fill = (overflow: "refuse" | "drop-oldest" | "drop-newest"): BoundedQueue<string> => {
    const queue = new BoundedQueue<string>(2, overflow);
    for (const item of ["a", "b", "c"]) queue.push(item);
    queue.close();
    assert.equal(queue.dropped, 1);
    return queue;
  };
  assert.deepEqual(await drain(fill("refuse")), ["a", "b"]);
  assert.deepEqual(await drain(fill("drop-newest")), ["a", "b"]);
  assert.deepEqual(await drain(fill("drop-oldest")), ["b", "c"]);
});

test("a queue that fails gives what it had and then the error", async () => {
  const queue = new BoundedQueue<string>(1, "fail");
  queue.push("a");
  assert.equal(queue.push("b"), false);
  assert.equal(queue.closed, true);
  assert.deepEqual(await queue.next(), { value: "a", done: false });
  await assert.rejects(queue.next(), QueueOverflow);
});

test("put waits for room", async () => {
  const queue = new BoundedQueue<number>(1, "refuse");
  const writer = (async () => {
    for (let index = 0; index < 100; index += 1) assert.equal(await queue.put(index), true);
    queue.close();
  })();
  assert.deepEqual(await drain(queue), Array.from({ length: 100 }, (_, index) => index));
  await writer;
  assert.equal(queue.dropped, 0);
  assert.equal(await queue.put(1), false);
});

test("takeNow takes what is there, and long queues stay in order", () => {
  const queue = new BoundedQueue<number>(5_000, "refuse");
  for (let index = 0; index < 3_000; index += 1) queue.push(index);
  assert.deepEqual(queue.takeNow(2_500).slice(-1), [2_499]);
  for (let index = 3_000; index < 4_000; index += 1) queue.push(index);
  assert.equal(queue.size, 1_500);
  assert.deepEqual(queue.takeNow(10_000), Array.from({ length: 1_500 }, (_, index) => 2_500 + index));
});

test("leaving the loop closes the queue", async () => {
  const queue = new BoundedQueue<number>(5, "refuse");
  queue.push(1);
  queue.push(2);
  for await (const item of queue) {
    assert.equal(item, 1);
    break;
  }
  assert.equal(queue.closed, true);
  assert.equal(queue.size, 0);
});
