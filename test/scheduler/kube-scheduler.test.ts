import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { ManualClock } from "../../src/base/clock.js";
import { Dice } from "../../src/base/seeded-random.js";
import { findCondition } from "../../src/kubernetes/condition.js";
import { Informers } from "../../src/kubernetes/informers.js";
import type { Pod } from "../../src/kubernetes/pod.js";
import { events, nodes, pods } from "../../src/kubernetes/resource-type.js";
import { transportError } from "../../src/kubernetes/status.js";
import type { BindOutcome, FilterAnswer, FilterRequest, SchedulerExtender } from "../../src/scheduler/extender.js";
import type { KubeSchedulerOptions } from "../../src/scheduler/kube/kube-scheduler.js";
import { KubeScheduler } from "../../src/scheduler/kube/kube-scheduler.js";
import type { SchedulingAttempt } from "../../src/scheduler/kube/verdict.js";
import { FakeCluster } from "../support/fake-cluster.js";
import { aNode, aPod } from "../support/kube-objects.js";

async function setUp(t: TestContext, options: Partial<KubeSchedulerOptions> & { readonly nodes?: number } = {}) {
  const clock = new ManualClock(1_000_000);
  const cluster = new FakeCluster(clock);
  const informers = new Informers({ client: cluster, clock, dice: new Dice("informers") });
  const attempts: SchedulingAttempt[] = [];
  for (let i = 1; i <= (options.nodes ?? 4); i += 1) await cluster.create(nodes, aNode(`n${i}`));
  const scheduler = new KubeScheduler({ client: cluster, informers, clock, worldClock: clock, dice: new Dice("ties"), observer: { attempted: (attempt) => void attempts.push(attempt) }, ...options });
  await scheduler.start();
  t.after(async () => {
    await scheduler.close();
    await informers.close();
  });
  const pod = (name: string): Pod | undefined => cluster.peek(pods, { namespace: "default", name });
  return { clock, cluster, scheduler, attempts, pod };
}

/** Picks the last node of each list, as DRS would pick one. */
function pickLast(more: Partial<SchedulerExtender> = {}): SchedulerExtender & { readonly asked: FilterRequest[][] } {
  const asked: FilterRequest[][] = [];
  const answer = (request: FilterRequest): FilterAnswer => {
    const names = request.nodes.map(({ node }) => node.metadata.name);
    return { nodes: names.slice(-1), failedNodes: Object.fromEntries(names.slice(0, -1).map((name) => [name, "DRS chose another host"])) };
  };
  return {
    name: "drs",
    asked,
    filter: async (request) => answer(request),
    filterBatch: async (requests) => {
      asked.push([...requests]);
      return requests.map(answer);
    },
    ...more,
  };
}

test("a pod is bound to the emptiest node, with condition and event", async (t) => {
  const { clock, cluster, pod, attempts } = await setUp(t, { nodes: 2 });
  await cluster.create(pods, aPod("heavy", { cpu: "8" }, { nodeName: "n1" }));
  await cluster.create(pods, aPod("a", { cpu: "1" }));
  await clock.advance(0);
  assert.equal(pod("a")?.spec.nodeName, "n2");
  const [event] = cluster.peekAll(events);
  assert.equal(event?.reason, "Scheduled");
  assert.equal(event?.message, "Successfully assigned default/a to n2");
  assert.equal(attempts[0]?.node, "n2");
  assert.deepEqual(attempts[0]?.verdicts.map(({ node, feasible }) => [node, feasible]), [["n1", true], ["n2", true]]);
});

test("many pods fill the nodes by Kubernetes' arithmetic and not beyond; the rest waits and is told so", async (t) => {
  const { clock, cluster, pod } = await setUp(t);
  for (let i = 0; i < 20; i += 1) await cluster.create(pods, aPod(`p${i}`, { cpu: "4" }));
  await clock.advance(0);
  const perNode = new Map<string, number>();
  for (let i = 0; i < 20; i += 1) {
    const node = pod(`p${i}`)?.spec.nodeName;
    if (node !== undefined) perNode.set(node, (perNode.get(node) ?? 0) + 1);
  }
  assert.deepEqual([...perNode.values()], [4, 4, 4, 4]);
  const waiting = cluster.peekAll(pods).filter(({ spec }) => spec.nodeName === undefined);
  const condition = findCondition(waiting[0]?.status?.conditions, "PodScheduled");
  assert.deepEqual([condition?.status, condition?.reason, condition?.message], ["False", "Unschedulable", "0/4 nodes are available: 4 Insufficient cpu. preemption: 0/4 nodes are available: 4 No preemption victims found for incoming pod."]);
  assert.equal(cluster.peekAll(events).filter(({ reason }) => reason === "FailedScheduling").length, 4);
});

test("room that comes free goes to a waiting pod", async (t) => {
  const { clock, cluster, pod } = await setUp(t, { nodes: 1 });
  await cluster.create(pods, aPod("first", { cpu: "16" }));
  await clock.advance(0);
  await cluster.create(pods, aPod("second", { cpu: "16" }));
  await clock.advance(2_000);
  assert.equal(pod("second")?.spec.nodeName, undefined);
  await cluster.delete(pods, { namespace: "default", name: "first" }, { gracePeriodSeconds: 0 });
  await clock.advance(0);
  assert.equal(pod("second")?.spec.nodeName, "n1");
});

test("a label on a node helps the pod that waits for it, and only then", async (t) => {
  const { clock, cluster, pod, attempts } = await setUp(t);
  await cluster.create(pods, aPod("picky", {}, { nodeSelector: { disktype: "ssd" } }));
  await clock.advance(5_000);
  await cluster.patch(nodes, { name: "n1" }, { type: "merge", body: { metadata: { labels: { other: "x" } } } });
  await clock.advance(5_000);
  assert.equal(attempts.length, 1);
  await cluster.patch(nodes, { name: "n3" }, { type: "merge", body: { metadata: { labels: { disktype: "ssd" } } } });
  await clock.advance(0);
  assert.equal(pod("picky")?.spec.nodeName, "n3");
});

test("a gated pod says so and is scheduled when the gate is gone; other schedulers' pods are left alone", async (t) => {
  const { clock, cluster, pod } = await setUp(t);
  await cluster.create(pods, aPod("gated", {}, { schedulingGates: [{ name: "g" }] }));
  await cluster.create(pods, aPod("foreign", {}, { schedulerName: "mine" }));
  await clock.advance(0);
  assert.equal(findCondition(pod("gated")?.status?.conditions, "PodScheduled")?.reason, "SchedulingGated");
  await cluster.patch(pods, { namespace: "default", name: "gated" }, { type: "merge", body: { spec: { schedulingGates: null } } });
  await clock.advance(0);
  assert.ok(pod("gated")?.spec.nodeName);
  assert.equal(pod("foreign")?.spec.nodeName, undefined);
  assert.equal(pod("foreign")?.status?.conditions, undefined);
});

test("an unsupported constraint stays Pending with an event that names it", async (t) => {
  const { clock, cluster, pod } = await setUp(t);
  await cluster.create(pods, aPod("p", {}, { volumes: [{ name: "v", persistentVolumeClaim: { claimName: "c" } }] }));
  await clock.advance(0);
  const message = "0/4 nodes are available: spec.volumes[0].persistentVolumeClaim is not supported by this scheduler yet. preemption: 0/4 nodes are available: 4 Preemption is not helpful for scheduling.";
  assert.equal(findCondition(pod("p")?.status?.conditions, "PodScheduled")?.message, message);
  assert.equal(cluster.peekAll(events)[0]?.message, message);
});

test("the extender chooses, several pods at once, and hears of reserve, preBind and binding", async (t) => {
  const heard: string[] = [];
  const outcomes: Promise<BindOutcome>[] = [];
  let free: (() => void) | undefined;
  const extender = pickLast({
    reserve: async ({ pod, node }) => void heard.push(`reserve ${pod.metadata.name} ${node}`),
    preBind: async ({ pod }) => void heard.push(`preBind ${pod.metadata.name}`),
    binding: ({ pod }, outcome) => {
      heard.push(`binding ${pod.metadata.name} ${pod.spec.nodeName ?? "unbound"}`);
      outcomes.push(outcome);
    },
  });
  const { clock, cluster, pod, attempts } = await setUp(t, { extender });
  cluster.intercept = (call) => (call.verb === "watch" || free !== undefined ? undefined : new Promise<void>((resolve) => (free = resolve)));
  cluster.intercept = undefined;
  for (const name of ["a", "b", "c"]) await cluster.create(pods, aPod(name));
  await clock.advance(0);
  for (const name of ["a", "b", "c"]) assert.equal(pod(name)?.spec.nodeName, "n4");
  assert.deepEqual(heard.filter((line) => line.includes(" a")), ["reserve a n4", "preBind a", "binding a unbound"]);
  assert.deepEqual(await Promise.all(outcomes), [{ bound: true }, { bound: true }, { bound: true }]);
  assert.equal(attempts[0]?.message, "n4: recommended by drs");
  assert.equal(attempts[0]?.verdicts[0]?.extenderReason, "DRS chose another host");
  assert.equal(extender.asked.flat().length, 3);
});

test("pods that come while the extender thinks are asked together", async (t) => {
  let release: (() => void) | undefined;
  const extender = pickLast();
  const slow: SchedulerExtender = {
    ...extender,
    filterBatch: async (requests, signal) => {
      if (release === undefined) await new Promise<void>((resolve) => (release = resolve));
      return extender.filterBatch!(requests, signal);
    },
  };
  const { clock, cluster } = await setUp(t, { extender: slow });
  await cluster.create(pods, aPod("first"));
  await clock.advance(0);
  for (let i = 0; i < 10; i += 1) await cluster.create(pods, aPod(`p${i}`));
  await clock.advance(0);
  release?.();
  await clock.advance(0);
  assert.deepEqual(extender.asked.map((batch) => batch.length), [1, 10]);
});

test("what a batch takes together is checked again: the loser is released and asked anew", async (t) => {
  const released: string[] = [];
  const extender = pickLast({ unreserve: ({ pod, node }) => void released.push(`${pod.metadata.name} ${node}`) });
  let first = true;
  const batching: SchedulerExtender = { ...extender, filterBatch: async (requests, signal) => (first && requests.length === 2 ? ((first = false), extender.filterBatch!(requests, signal)) : extender.filterBatch!(requests, signal)) };
  const { clock, cluster, pod } = await setUp(t, { extender: batching, nodes: 2 });
  await Promise.all([cluster.create(pods, aPod("a", { cpu: "10" })), cluster.create(pods, aPod("b", { cpu: "10" }))]);
  await clock.advance(0);
  assert.deepEqual([pod("a")?.spec.nodeName, pod("b")?.spec.nodeName], ["n2", "n1"]);
  assert.deepEqual(released, extender.asked[0]?.length === 2 ? ["b n2"] : []);
});

test("a pod only the extender refuses says so, and comes back when the extender says that something changed", async (t) => {
  let changed: () => void = () => undefined;
  let room = false;
  const refusing = pickLast({
    filterBatch: async (requests) => requests.map(({ nodes: list }) => (room ? { nodes: [list[0]!.node.metadata.name], failedNodes: {} } : { nodes: [], failedNodes: Object.fromEntries(list.map(({ node }) => [node.metadata.name, "host(s) refused by DRS: InsufficientMemoryResourcesFault"])) })),
    subscribe: (listener) => {
      changed = listener;
      return () => undefined;
    },
  });
  const { clock, cluster, pod } = await setUp(t, { extender: refusing });
  await cluster.create(pods, aPod("p"));
  await clock.advance(2_000);
  assert.equal(findCondition(pod("p")?.status?.conditions, "PodScheduled")?.message, "0/4 nodes are available: 4 host(s) refused by DRS: InsufficientMemoryResourcesFault. preemption: 0/4 nodes are available: 4 No preemption victims found for incoming pod.");
  room = true;
  changed();
  await clock.advance(0);
  assert.equal(pod("p")?.spec.nodeName, "n1");
});

test("an extender that fails, answers nonsense or nothing: SchedulerError and another try", async (t) => {
  const answers: (() => Promise<readonly FilterAnswer[]>)[] = [
    async () => {
      throw new Error("vcenter is away");
    },
    async () => [{ nodes: ["elsewhere"], failedNodes: {} }],
    () => new Promise(() => undefined),
    async () => [{ nodes: [], failedNodes: {}, error: "no pool" }],
    async () => [{ nodes: ["n1"], failedNodes: {} }],
  ];
  const messages: string[] = [];
  const { clock, cluster, pod } = await setUp(t, {
    extender: pickLast({ filterBatch: () => answers.shift()!() }),
    observer: { attempted: ({ message }) => void messages.push(message) },
  });
  await cluster.create(pods, aPod("p"));
  await clock.advance(60_000);
  assert.deepEqual(messages, ["drs: vcenter is away", "drs answered node elsewhere, which was not in the request", "drs: no answer within 5000 ms", "drs: no pool", "n1: recommended by drs"]);
  assert.equal(pod("p")?.spec.nodeName, "n1");
});

test("a binding refused gives the room back, releases the extender's hold and tries again", async (t) => {
  const released: unknown[] = [];
  const outcomes: BindOutcome[] = [];
  const { clock, cluster, pod, scheduler } = await setUp(t, {
    extender: pickLast({ unreserve: (_, cause) => void released.push(cause), binding: (_, outcome) => void outcome.then((result) => outcomes.push(result)) }),
  });
  let refuse = 1;
  cluster.intercept = (call) => {
    if (call.verb === "bind" && refuse-- > 0) throw new Error("etcd is busy");
  };
  await cluster.create(pods, aPod("p", { cpu: "10" }));
  await clock.advance(0);
  assert.equal(released.length, 1);
  assert.equal(outcomes[0]?.bound, false);
  assert.equal(scheduler.cache.node("n4")?.podCount, 0);
  assert.equal(findCondition(pod("p")?.status?.conditions, "PodScheduled")?.reason, "SchedulerError");
  await clock.advance(2_000);
  assert.equal(pod("p")?.spec.nodeName, "n4");
});

test("a binding whose answer was lost is found out, not undone", async (t) => {
  const { clock, cluster, pod, scheduler } = await setUp(t, { nodes: 1 });
  const bind = cluster.bind.bind(cluster);
  cluster.bind = async (binding) => {
    await bind(binding);
    throw transportError("cut off");
  };
  await cluster.create(pods, aPod("p"));
  await clock.advance(0);
  assert.equal(pod("p")?.spec.nodeName, "n1");
  assert.equal(scheduler.cache.node("n1")?.podCount, 1);
  assert.equal(scheduler.queue.place(pod("p")!.metadata.uid), undefined);
});

test("a pod deleted and made again under its name is not bound by the old decision", async (t) => {
  const { clock, cluster, pod } = await setUp(t, {
    extender: pickLast({
      preBind: async ({ pod: old }) => {
        if (old.spec.priority !== 1) return;
        await cluster.delete(pods, { namespace: "default", name: "p" });
        await cluster.create(pods, aPod("p", {}, { nodeSelector: { nowhere: "true" } }));
      },
    }),
  });
  await cluster.create(pods, aPod("p", {}, { priority: 1 }));
  await clock.advance(0);
  assert.equal(pod("p")?.spec.nodeName, undefined);
  assert.match(findCondition(pod("p")?.status?.conditions, "PodScheduled")?.message ?? "", /didn't match Pod's node affinity/);
});

test("two hundred pods on eight nodes", async (t) => {
  const { clock, cluster } = await setUp(t, { extender: pickLast({ filterBatch: async (requests) => requests.map(({ nodes: list }, at) => ({ nodes: [list[at % list.length]!.node.metadata.name], failedNodes: {} })) }), nodes: 8 });
  await Promise.all(Array.from({ length: 200 }, (_, at) => cluster.create(pods, aPod(`p${at}`, { cpu: "100m" }))));
  await clock.advance(100);
  assert.equal(cluster.peekAll(pods).filter(({ spec }) => spec.nodeName !== undefined).length, 200);
});
