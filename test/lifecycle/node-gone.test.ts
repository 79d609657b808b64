import assert from "node:assert/strict";
import { after, test } from "node:test";
import { ManualClock } from "../../src/base/clock.js";
import { silentLogger } from "../../src/base/log.js";
import { Dice } from "../../src/base/seeded-random.js";
import { Informers } from "../../src/kubernetes/informers.js";
import { nodes as nodeType, pods as podType } from "../../src/kubernetes/resource-type.js";
import { NodeGone } from "../../src/lifecycle/node-gone.js";
import { FakeCluster } from "../support/fake-cluster.js";

test("pods of a node that is away for 40 s are deleted with grace 0; others are left alone", async () => {
  const clock = new ManualClock();
  const cluster = new FakeCluster(clock);
  const informers = new Informers({ client: cluster, clock, dice: new Dice(1) });
  const collector = new NodeGone({ client: cluster, pods: informers.of(podType), nodes: informers.of(nodeType), clock, monotonic: clock, log: silentLogger });
  after(() => informers.close());
  await cluster.create(nodeType, { metadata: { name: "here" } });
  for (const [name, node] of [["a", "here"], ["b", "away"], ["c", "late"], ["unbound", ""]] as const) {
    await cluster.create(podType, { metadata: { namespace: "default", name }, spec: { containers: [{ name: "web" }] } });
    if (node !== "") await cluster.bind({ apiVersion: "v1", kind: "Binding", metadata: { namespace: "default", name }, target: { kind: "Node", name: node } });
  }
  await informers.start();
  const left = (): string[] => cluster.peekAll(podType).map((pod) => pod.metadata.name);
  await collector.collect();
  await clock.advance(39_000);
  await collector.collect();
  assert.deepEqual(left(), ["a", "b", "c", "unbound"]);
  // The node of c comes just in time, and its watch event is not here yet: the store is asked.
  await cluster.create(nodeType, { metadata: { name: "late" } });
  await clock.advance(1_000);
  await collector.collect();
  await clock.advance(0);
  assert.deepEqual(left(), ["a", "c", "unbound"]);
});

test("pods that are being deleted on a node that is not Ready go when an administrator takes it out of service; nothing else does", async () => {
  const clock = new ManualClock();
  const cluster = new FakeCluster(clock);
  const informers = new Informers({ client: cluster, clock, dice: new Dice(1) });
  const collector = new NodeGone({ client: cluster, pods: informers.of(podType), nodes: informers.of(nodeType), clock, monotonic: clock, log: silentLogger });
  after(() => informers.close());
  const outOfService = [{ key: "node.kubernetes.io/out-of-service", value: "nodeshutdown", effect: "NoExecute" as const }];
  for (const [name, ready, taints] of [["down", "Unknown", outOfService], ["silent", "Unknown", []], ["well", "True", outOfService]] as const) {
    await cluster.create(nodeType, { metadata: { name }, spec: { taints } });
    await cluster.patch(nodeType, { name }, { type: "merge", body: { status: { conditions: [{ type: "Ready", status: ready }] } } }, { subresource: "status" });
    for (const pod of [`${name}-leaving`, `${name}-staying`]) {
      await cluster.create(podType, { metadata: { namespace: "default", name: pod, finalizers: ["held"] }, spec: { containers: [{ name: "web" }] } });
      await cluster.bind({ apiVersion: "v1", kind: "Binding", metadata: { namespace: "default", name: pod }, target: { kind: "Node", name } });
    }
    await cluster.delete(podType, { namespace: "default", name: `${name}-leaving` });
  }
  await informers.start();
  await collector.collect();
  await clock.advance(0);
  const ended = cluster.peekAll(podType).filter(({ metadata }) => metadata.deletionGracePeriodSeconds === 0);
  assert.deepEqual(ended.map(({ metadata, status }) => [metadata.name, status?.phase]), [["down-leaving", "Failed"]]);
});
