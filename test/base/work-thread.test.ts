import assert from "node:assert/strict";
import { after, afterEach, test } from "node:test";
import { MessageChannel } from "node:worker_threads";
import { ManualClock } from "../../src/base/clock.js";
import { WorkThread } from "../../src/base/work-thread.js";

interface Task {
  readonly say: string;
  readonly bytes?: Uint8Array<ArrayBuffer>;
}

const clock = new ManualClock();
let thread: WorkThread<Task, string>;
afterEach(() => thread.close());
// The thread keeps no process alive, and the clock stands still: something else has to while the tests wait.
const { port1: alive } = new MessageChannel();
alive.on("message", () => undefined);
after(() => alive.close());

function open(maxWaiting: number): void {
  const errors = { late: () => new Error("late"), full: () => new Error("full"), closed: () => new Error("closed") };
  thread = new WorkThread({ module: new URL("./work-thread-worker.js", import.meta.url), clock, limitMs: 1_000, maxWaiting, errors, moved: ({ bytes }) => (bytes === undefined ? [] : [bytes.buffer]) });
}

test("tasks are done in the order in which they came, and what is moved is gone here", async () => {
  open(9);
  const done: string[] = [];
  const bytes = new Uint8Array(7);
  await Promise.all([{ say: "a" }, { say: "b", bytes }, { say: "c" }].map(async (task) => done.push(await thread.do(task))));
  assert.deepEqual([done, bytes.length], [["a 0", "b 7", "c 0"], 0]);
});

test("more than may wait are refused; with none that may, one at a time", async () => {
  open(1);
  const taken = [thread.do({ say: "a" }), thread.do({ say: "b" })];
  await assert.rejects(thread.do({ say: "c" }), /^Error: full$/);
  assert.deepEqual(await Promise.all(taken), ["a 0", "b 0"]);
  await thread.close();
  open(0);
  const one = thread.do({ say: "a" });
  await assert.rejects(thread.do({ say: "b" }), /^Error: full$/);
  assert.equal(await one, "a 0");
  assert.equal(await thread.do({ say: "b" }), "b 0");
});

test("a task that fails, ends the thread or cannot be sent fails alone; those behind it get a new thread", async () => {
  open(9);
  const results = await Promise.allSettled([{ say: "fail" }, { say: "a" }, { say: "end" }, { say: "b" }, { say: Symbol("no message") as unknown as string }, { say: "c" }].map((task) => thread.do(task)));
  assert.deepEqual(results.map((each) => (each.status === "fulfilled" ? each.value : (each.reason as Error).message)), ["it failed", "a 0", "the thread ended with code 3", "b 0", "Symbol(no message) could not be cloned.", "c 0"]);
});

test("a task that takes too long is given up, and the one behind it is done", async () => {
  open(9);
  const hangs = assert.rejects(thread.do({ say: "hang" }), /^Error: late$/);
  const behind = thread.do({ say: "a" });
  await clock.advance(1_000);
  await hangs;
  assert.equal(await behind, "a 0");
});

test("closed, all that is not done fails, and nothing more is taken", async () => {
  open(9);
  const undone = [thread.do({ say: "hang" }), thread.do({ say: "a" })].map((task) => assert.rejects(task, /^Error: closed$/));
  await thread.close();
  await Promise.all(undone);
  await assert.rejects(thread.do({ say: "b" }), /^Error: closed$/);
});
