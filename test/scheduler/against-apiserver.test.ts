import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { monotonicClock, wallClock } from "../../src/base/clock.js";
import { Dice } from "../../src/base/seeded-random.js";
import { findCondition } from "../../src/kubernetes/condition.js";
import type { Informer } from "../../src/kubernetes/informer.js";
import { Informers } from "../../src/kubernetes/informers.js";
import { loadKubeconfig } from "../../src/kubernetes/kubeconfig.js";
import type { KubernetesObject } from "../../src/kubernetes/object-meta.js";
import type { Pod } from "../../src/kubernetes/pod.js";
import { events, nodes, pods } from "../../src/kubernetes/resource-type.js";
import { RestClient } from "../../src/kubernetes/rest-client.js";
import { isConflict } from "../../src/kubernetes/status.js";
import { KubeScheduler } from "../../src/scheduler/kube/kube-scheduler.js";
import { startCluster } from "../apiserver/cluster.js";
import { aNode, aPod, manifest } from "../support/kube-objects.js";

/** Resolves when the informer's copy satisfies `isTrue`. */
function until<T extends KubernetesObject>(informer: Informer<T>, isTrue: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const stop = informer.subscribe({ added: check, updated: check, deleted: check });
    function check(): void {
      if (!isTrue()) return;
      queueMicrotask(() => stop());
      resolve();
    }
    check();
  });
}

async function setUp(t: TestContext, nodeCount: number) {
  const cluster = await startCluster();
  const { server, tls } = loadKubeconfig(cluster.kubeconfig);
  const clock = monotonicClock();
  const client = new RestClient({ server, tls, userAgent: "kube-scheduler", clock, dice: new Dice(1) });
  const informers = new Informers({ client, clock, dice: new Dice("informers") });
  const scheduler = new KubeScheduler({ client, informers, clock, worldClock: wallClock(), dice: new Dice("ties") });
  t.after(async () => {
    await scheduler.close();
    await informers.close();
    await client.close();
    await cluster.close();
  });
  for (let i = 1; i <= nodeCount; i += 1) {
    const node = aNode(`n${i}`);
    await client.create(nodes, node);
    await client.patch(nodes, { name: `n${i}` }, { type: "merge", body: { status: node.status } }, { subresource: "status" });
  }
  await scheduler.start();
  const podInformer = informers.of(pods);
  const pod = (name: string): Pod | undefined => podInformer.store.get(`default/${name}`);
  const isWaiting = (name: string) => (): boolean => findCondition(pod(name)?.status?.conditions, "PodScheduled")?.status === "False";
  const isBound = (name: string) => (): boolean => pod(name)?.spec.nodeName !== undefined;
  return { client, scheduler, podInformer, pod, isWaiting, isBound };
}

test("over TLS from a kubeconfig: bound with event and condition; refused with both; a label helps", async (t) => {
  const { client, podInformer, pod, isWaiting, isBound } = await setUp(t, 4);
  await client.create(pods, aPod("a", { cpu: "1" }));
  await until(podInformer, isBound("a"));
  await client.create(pods, aPod("picky", {}, { nodeSelector: { disktype: "ssd" } }));
  await until(podInformer, isWaiting("picky"));
  assert.equal(findCondition(pod("picky")?.status?.conditions, "PodScheduled")?.message, "0/4 nodes are available: 4 node(s) didn't match Pod's node affinity/selector. preemption: 0/4 nodes are available: 4 Preemption is not helpful for scheduling.");
  await client.patch(nodes, { name: "n2" }, { type: "merge", body: { metadata: { labels: { disktype: "ssd" } } } });
  await until(podInformer, isBound("picky"));
  assert.equal(pod("picky")?.spec.nodeName, "n2");
  assert.equal(findCondition(pod("picky")?.status?.conditions, "PodScheduled")?.status, "True");
  const { items } = await client.list(events, { namespace: "default", fieldSelector: "involvedObject.name=picky" });
  assert.ok(items.some(({ reason }) => reason === "FailedScheduling"));
});

test("a binding with the uid of a former pod is refused", async (t) => {
  const { client } = await setUp(t, 0);
  await client.create(pods, aPod("p"));
  const uid = "00000000-0000-4000-8000-000000000000";
  await assert.rejects(client.bind({ apiVersion: "v1", kind: "Binding", metadata: { namespace: "default", name: "p", uid }, target: { kind: "Node", name: "n1" } }), isConflict);
});

const gated = manifest("gates/pod-without-scheduling-gates.yaml");
test("a gated pod waits, and goes when its gates are taken away", { skip: gated === undefined ? "the manifests do not stand beside this checkout" : false }, async (t) => {
  const { client, podInformer, pod, isWaiting, isBound } = await setUp(t, 4);
  const name = gated!.metadata.name!;
  await client.create(pods, { ...gated!, spec: { ...gated!.spec, schedulingGates: [{ name: "example.com/foo" }] } });
  await until(podInformer, isWaiting(name));
  assert.equal(findCondition(pod(name)?.status?.conditions, "PodScheduled")?.reason, "SchedulingGated");
  await client.patch(pods, { namespace: "default", name }, { type: "merge", body: { spec: { schedulingGates: null } } });
  await until(podInformer, isBound(name));
});

test("two hundred pods on eight nodes, none lost and none beyond the nodes' room", async (t) => {
  const { client, podInformer, scheduler } = await setUp(t, 8);
  await Promise.all(Array.from({ length: 200 }, (_, at) => client.create(pods, aPod(`p${at}`, { cpu: "500m" }))));
  await until(podInformer, () => podInformer.store.list().filter(({ spec }) => spec.nodeName !== undefined).length === 200);
  assert.equal(scheduler.queue.count("active") + scheduler.queue.count("unschedulable") + scheduler.queue.count("backoff"), 0);
  for (const info of scheduler.cache.nodes()) assert.ok((info.requested.get("cpu") ?? 0n) <= 16_000n, info.name);
});
