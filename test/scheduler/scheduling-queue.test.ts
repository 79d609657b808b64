import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../src/base/clock.js";
import type { Pod } from "../../src/kubernetes/pod.js";
import { NodeInfo } from "../../src/scheduler/kube/node-info.js";
import { SchedulingQueue } from "../../src/scheduler/kube/scheduling-queue.js";

const pod = (name: string, spec: Partial<Pod["spec"]> = {}): Pod => ({ metadata: { name, namespace: "default", uid: name, resourceVersion: "1", creationTimestamp: "" }, spec: { containers: [], ...spec } });
const names = (taken: readonly { usage: { pod: Pod } }[]): string[] => taken.map(({ usage }) => usage.pod.metadata.name);
const nodeAdded = { kind: "NodeAdded", node: new NodeInfo("n") } as const;

function setUp(helps: () => boolean = () => true) {
  const clock = new ManualClock();
  const queue = new SchedulingQueue({ clock, helps });
  queue.start();
  return { clock, queue };
}

test("higher priority first, then who came first", async () => {
  const { clock, queue } = setUp();
  queue.set(pod("a"));
  await clock.advance(1);
  queue.set(pod("b"));
  queue.set(pod("urgent", { priority: 100 }));
  assert.deepEqual(names(await queue.take(10)), ["urgent", "a", "b"]);
  queue.close();
});

test("take waits for a pod, and ends empty on close", async () => {
  const { queue } = setUp();
  const taken = queue.take(1);
  queue.set(pod("a"));
  assert.deepEqual(names(await taken), ["a"]);
  const nothing = queue.take(1);
  queue.close();
  assert.deepEqual(await nothing, []);
});

test("a failed pod comes again after 1, 2, 4, 8, 10, 10 seconds", async () => {
  const { clock, queue } = setUp();
  queue.set(pod("a"));
  for (const seconds of [1, 2, 4, 8, 10, 10]) {
    const [queued] = await queue.take(1);
    queue.failed(queued!);
    await clock.advance(seconds * 1000 - 10);
    assert.equal(queue.place("a"), "backoff", `${seconds}`);
    await clock.advance(10);
    assert.equal(queue.place("a"), "active", `${seconds}`);
  }
  queue.close();
});

test("a refused pod waits for an event that helps, then serves its back-off", async () => {
  let helpful = false;
  const { clock, queue } = setUp(() => helpful);
  queue.set(pod("a"));
  const [queued] = await queue.take(1);
  queue.refused(queued!, new Set(["NodeResourcesFit"]));
  queue.event(nodeAdded);
  assert.equal(queue.place("a"), "unschedulable");
  helpful = true;
  queue.event(nodeAdded);
  assert.equal(queue.place("a"), "backoff");
  await clock.advance(1_000);
  assert.equal(queue.place("a"), "active");
  queue.close();
});

test("an event during the attempt is not missed", async () => {
  const { queue } = setUp();
  queue.set(pod("a"));
  queue.set(pod("b"));
  const [a, b] = await queue.take(2);
  queue.refused(a!, new Set(["x"]));
  assert.equal(queue.place("a"), "unschedulable");
  queue.event(nodeAdded);
  queue.refused(b!, new Set(["x"]));
  assert.equal(queue.place("b"), "backoff");
  queue.close();
});

test("after five minutes a refused pod is tried again anyway", async () => {
  const { clock, queue } = setUp(() => false);
  queue.set(pod("a"));
  const [queued] = await queue.take(1);
  queue.refused(queued!, new Set(["x"]));
  await clock.advance(4.5 * 60_000);
  assert.equal(queue.place("a"), "unschedulable");
  await clock.advance(60_000);
  assert.equal(queue.place("a"), "active");
  queue.close();
});

test("a gated pod enters when its gates are gone; a changed pod comes back from unschedulable", async () => {
  const { clock, queue } = setUp(() => false);
  queue.set(pod("a", { schedulingGates: [{ name: "x" }] }));
  assert.equal(queue.place("a"), "gated");
  queue.set(pod("a"));
  const [queued] = await queue.take(1);
  queue.refused(queued!, new Set(["x"]));
  await clock.advance(2_000);
  queue.set(pod("a"));
  assert.equal(queue.place("a"), "unschedulable", "nothing of the spec changed");
  queue.set(pod("a", { tolerations: [{ operator: "Exists" }] }));
  assert.equal(queue.place("a"), "active");
  queue.close();
});

test("a deleted pod is in no place, whatever was being done with it", async () => {
  const { queue } = setUp();
  queue.set(pod("a"));
  const [queued] = await queue.take(1);
  queue.delete("a");
  queue.failed(queued!);
  queue.refused(queued!, new Set(["x"]));
  queue.again(queued!);
  assert.equal(queue.place("a"), undefined);
  queue.close();
});
