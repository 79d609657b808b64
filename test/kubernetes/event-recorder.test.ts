import assert from "node:assert/strict";
import { test } from "node:test";
import { Burst } from "../../src/base/burst.js";
import { ManualClock, nextTurn } from "../../src/base/clock.js";
import { silentLogger } from "../../src/base/log.js";
import { Dice } from "../../src/base/seeded-random.js";
import { EventRecorder } from "../../src/kubernetes/event-recorder.js";
import { RequestGate } from "../../src/kubernetes/request-gate.js";
import { events, pods } from "../../src/kubernetes/resource-type.js";
import { ApiError, transportError } from "../../src/kubernetes/status.js";
import { FakeCluster } from "../support/fake-cluster.js";

async function setUp() {
  const clock = new ManualClock(1_000_000);
  const cluster = new FakeCluster(clock);
  const pod = await cluster.create(pods, { metadata: { namespace: "default", name: "p" }, spec: { containers: [] } });
  const recorder = new EventRecorder({ client: cluster, component: "default-scheduler", clock, dice: new Dice(1), log: silentLogger });
  return { clock, cluster, pod, recorder };
}

test("an event is written with its object, source and times", async () => {
  const { cluster, pod, recorder } = await setUp();
  recorder.record(pod, "Normal", "Scheduled", "Successfully assigned default/p to n1");
  await recorder.flushed();
  const [event] = cluster.peekAll(events);
  assert.deepEqual(event?.involvedObject, { apiVersion: "v1", kind: "Pod", namespace: "default", name: "p", uid: pod.metadata.uid, resourceVersion: pod.metadata.resourceVersion });
  assert.equal(event?.source?.component, "default-scheduler");
  assert.equal(event?.firstTimestamp, "1970-01-01T00:16:40Z");
  assert.match(event?.metadata.name ?? "", /^p\.[0-9a-f]{16}$/);
});

test("names sort as the events came, those of one moment too", async () => {
  const { clock, cluster, pod, recorder } = await setUp();
  const reasons = ["Scheduled", "Pulling", "Pulled", "Created", "Started", "Killing"];
  for (const [at, reason] of reasons.entries()) {
    if (at === 3) await clock.advance(1);
    recorder.record(pod, "Normal", reason, "x");
  }
  await recorder.flushed();
  const byName = cluster.peekAll(events).toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  assert.deepEqual(byName.map(({ reason }) => reason), reasons);
});

test("repetitions raise the count; those that come while the first is on its way cost one write at most", async () => {
  const { clock, cluster, pod, recorder } = await setUp();
  for (let i = 0; i < 20; i += 1) recorder.record(pod, "Warning", "FailedScheduling", "no room");
  await recorder.flushed();
  await clock.advance(5_000);
  recorder.record(pod, "Warning", "FailedScheduling", "no room");
  await recorder.flushed();
  const list = cluster.peekAll(events);
  assert.equal(list.length, 1);
  assert.equal(list[0]?.count, 21);
  assert.equal(list[0]?.lastTimestamp, "1970-01-01T00:16:45Z");
  assert.ok(cluster.calls.filter((call) => call.path.includes("/events")).length <= 3);
});

test("one object has 25 events at once, and then one in five minutes", async () => {
  const { clock, cluster, pod, recorder } = await setUp();
  for (let i = 0; i < 40; i += 1) recorder.record(pod, "Warning", "Unhealthy", "Readiness probe failed: ");
  await recorder.flushed();
  assert.equal(cluster.peekAll(events)[0]?.count, 25);
  await clock.advance(300_000);
  for (let i = 0; i < 2; i += 1) recorder.record(pod, "Warning", "Unhealthy", "Readiness probe failed: ");
  await recorder.flushed();
  assert.equal(cluster.peekAll(events)[0]?.count, 26);
  await recorder.close();
});

test("a new event begins when the old one aged out; text is cut; the queue is bounded", async () => {
  const { cluster, pod, recorder } = await setUp();
  recorder.record(pod, "Normal", "A", "x".repeat(2000));
  await recorder.flushed();
  const [old] = cluster.peekAll(events);
  assert.equal(old?.message?.length, 1024);
  await cluster.delete(events, { namespace: "default", name: old.metadata.name });
  recorder.record(pod, "Normal", "A", "x".repeat(2000));
  await recorder.flushed();
  assert.equal(cluster.peekAll(events)[0]?.count, 2);
  for (let i = 0; i < 1100; i += 1) recorder.record({ ...pod, metadata: { ...pod.metadata, uid: `u${i}` } }, "Normal", "B", "text");
  assert.ok(recorder.dropped > 0);
  await recorder.close();
});

test("recorders that share a gate have no more on the wire together than it lets in", async () => {
  const { clock, cluster, pod } = await setUp();
  const gate = new RequestGate(2, 100);
  const recorders = [1, 2, 3, 4].map((n) => new EventRecorder({ client: cluster, component: "kubelet", host: `host-${n}`, clock, dice: new Dice(n), log: silentLogger, gate }));
  let running = 0;
  let most = 0;
  cluster.intercept = async () => {
    running += 1;
    most = Math.max(most, running);
    await nextTurn();
    running -= 1;
  };
  for (const recorder of recorders) for (const reason of ["Pulled", "Created", "Started"]) recorder.record(pod, "Normal", reason, "x");
  await Promise.all(recorders.map((recorder) => recorder.flushed()));
  assert.equal(cluster.peekAll(events).length, 12);
  assert.equal(most, 2);
});

test("the events of a burst are written when it is over, each after 3 s at most; those of a pod that comes alone at once", async () => {
  const { clock, cluster, pod } = await setUp();
  const monotonic = new ManualClock();
  const recorder = new EventRecorder({ client: cluster, component: "kubelet", clock, monotonic, dice: new Dice(1), log: silentLogger });
  const happens = (from: number, count: number): void => {
    for (let at = from; at < from + count; at += 1) recorder.record({ ...pod, metadata: { ...pod.metadata, uid: `u${at}` } }, "Normal", "Started", "x");
  };
  const written = (): number => cluster.peekAll(events).length;
  happens(0, 64);
  await recorder.flushed();
  assert.equal(written(), 64);

  happens(64, 200);
  await monotonic.advance(249);
  assert.equal(written(), 64);
  await monotonic.advance(1);
  await recorder.flushed();
  assert.equal(written(), 264);

  happens(264, 100);
  for (let turn = 1; turn <= 29; turn += 1) {
    await monotonic.advance(100);
    happens(364 + turn, 1);
  }
  // Four had begun before it was a burst.
  assert.equal(written(), 268);
  await monotonic.advance(100);
  for (let turn = 0; turn < 100; turn += 1) await nextTurn();
  assert.equal(written(), 364);
  await recorder.close();
  assert.equal(written(), 393);
});

test("a burst of more events than may wait does not wait for its end", async () => {
  const { clock, cluster, pod } = await setUp();
  const recorder = new EventRecorder({ client: cluster, component: "kubelet", clock, monotonic: new ManualClock(), dice: new Dice(1), log: silentLogger });
  for (let at = 0; at < 1_000; at += 1) recorder.record({ ...pod, metadata: { ...pod.metadata, uid: `u${at}` } }, "Normal", "Started", "x");
  for (let turn = 0; turn < 1_000; turn += 1) await nextTurn();
  assert.equal(recorder.dropped, 0);
  assert.equal(cluster.peekAll(events).length, 500);
  await recorder.close();
  assert.equal(cluster.peekAll(events).length, 1_000);
});

function withoutAnswer(): Promise<never> {
  return Promise.reject(transportError("the host's network cable is unplugged"));
}

test("at the end of its burst a recorder writes what it holds, and from then on holds nothing", async () => {
  const { clock, cluster, pod } = await setUp();
  const burst = new Burst(clock);
  const recorder = new EventRecorder({ client: cluster, component: "kubelet", clock, monotonic: clock, dice: new Dice(1), log: silentLogger, burst });
  const told = (): number => cluster.peekAll(events).length;
  burst.came(100);
  for (const reason of ["Pulled", "Created", "Started"]) recorder.record(pod, "Normal", reason, "x");
  await nextTurn();
  assert.equal(told(), 0);
  await burst.end();
  assert.equal(told(), 3);
  recorder.record(pod, "Normal", "Killing", "x");
  await recorder.flushed();
  assert.equal(told(), 4);
  assert.equal(clock.waiting, 0);
});

test("an event that got no answer is tried again for two minutes, as client-go does, and is there when the API server is back", async () => {
  const { clock, cluster, pod } = await setUp();
  const monotonic = new ManualClock();
  const recorder = new EventRecorder({ client: cluster, component: "kubelet", clock, monotonic, dice: new Dice(1), log: silentLogger });
  let tries = 0;
  cluster.intercept = () => {
    tries += 1;
    return withoutAnswer();
  };
  recorder.record(pod, "Normal", "Started", "Started container web");
  await monotonic.advance(10_000);
  assert.equal(tries, 2);
  await monotonic.advance(10_000);
  assert.equal(tries, 3);
  cluster.intercept = undefined;
  await monotonic.advance(10_000);
  await recorder.flushed();
  assert.deepEqual(cluster.peekAll(events).map(({ reason, firstTimestamp }) => [reason, firstTimestamp]), [["Started", "1970-01-01T00:16:40Z"]]);
});

test("an event whose answer got lost is there once, and a repetition of it raises its count", async () => {
  const { clock, cluster, pod } = await setUp();
  const monotonic = new ManualClock();
  let answers = 0;
  const client: Pick<FakeCluster, "create" | "patch"> = {
    patch: cluster.patch.bind(cluster),
    create: async (type, draft, options) => {
      const created = await cluster.create(type, draft, options);
      answers += 1;
      return answers === 1 ? withoutAnswer() : created;
    },
  };
  const recorder = new EventRecorder({ client, component: "kubelet", clock, monotonic, dice: new Dice(1), log: silentLogger });
  const started = (): void => recorder.record(pod, "Normal", "Started", "Started container web");
  started();
  await nextTurn();
  // While it waits for the next try.
  started();
  await monotonic.advance(10_000);
  await recorder.flushed();
  const counts = (): unknown[] => cluster.peekAll(events).map(({ count }) => count);
  assert.deepEqual(counts(), [2]);
  started();
  await recorder.flushed();
  assert.deepEqual(counts(), [3]);
});

test("an event that does not get through is a line of the log without a stack: at once where it was refused, a warning then; else after twelve tries or at the end", async () => {
  const { clock, pod } = await setUp();
  const lines: unknown[] = [];
  const log = { ...silentLogger, info: (fields: object) => void lines.push(["info", fields]), warn: (fields: object) => void lines.push(["warn", fields]) };
  const recorderOf = (create: () => Promise<never>, monotonic: ManualClock): EventRecorder => {
    const recorder = new EventRecorder({ client: { create, patch: create }, component: "kubelet", clock, monotonic, dice: new Dice(1), log });
    recorder.record(pod, "Normal", "Started", "Started container web");
    return recorder;
  };
  const refused = new ApiError({ apiVersion: "v1", kind: "Status", status: "Failure", reason: "Forbidden", code: 403, message: "events is forbidden" });
  await recorderOf(() => Promise.reject(refused), new ManualClock()).flushed();
  assert.deepEqual(lines.splice(0), [["warn", { error: "events is forbidden", reason: "Started" }]]);

  const lost = ["info", { error: "the host's network cable is unplugged", reason: "Started" }];
  const monotonic = new ManualClock();
  let tries = 0;
  const patient = recorderOf(() => {
    tries += 1;
    return withoutAnswer();
  }, monotonic);
  await monotonic.advance(99_999);
  assert.deepEqual(lines, []);
  await monotonic.advance(10_001);
  await patient.flushed();
  assert.deepEqual([tries, lines.splice(0)], [12, [lost]]);

  await recorderOf(withoutAnswer, new ManualClock()).close();
  assert.deepEqual(lines, [lost]);
});
