import assert from "node:assert/strict";
import { test } from "node:test";
import { silentLogger } from "../../src/base/log.js";
import { NamespaceController } from "../../src/controllers/namespace-controller.js";
import { NodeLifecycleController } from "../../src/controllers/node-lifecycle-controller.js";
import { poolAnnotations, ResourcePoolController, type NamespacePool, type PoolDirectory } from "../../src/controllers/resource-pool-controller.js";
import { stayMs, TaintEvictionController } from "../../src/controllers/taint-eviction-controller.js";
import { findCondition } from "../../src/kubernetes/condition.js";
import { configMaps, events, leases, namespaces, nodes, pods, serviceAccounts } from "../../src/kubernetes/resource-type.js";
import { formatMicroTime } from "../../src/kubernetes/timestamp.js";
import type { FakeCluster } from "../support/fake-cluster.js";
import { aNode, aPod } from "../support/kube-objects.js";
import { startHarness } from "./harness.js";

const aNamespace = (name: string) => ({ metadata: { name }, spec: { finalizers: ["kubernetes"] }, status: { phase: "Active" as const } });

test("a namespace gets its account and certificate, also after they were deleted or changed", async (t) => {
  const { cluster, settle } = await startHarness(t, (context) => [new NamespaceController(context, { clusterCaPem: "PEM" })]);
  await cluster.create(namespaces, aNamespace("team"));
  await settle();
  assert.ok(cluster.peek(serviceAccounts, { namespace: "team", name: "default" }));
  const rootCa = { namespace: "team", name: "kube-root-ca.crt" };
  assert.equal(cluster.peek(configMaps, rootCa)?.data?.["ca.crt"], "PEM");
  await cluster.patch(configMaps, rootCa, { type: "merge", body: { data: { "ca.crt": "forged" } } });
  await cluster.delete(serviceAccounts, { namespace: "team", name: "default" });
  await settle();
  assert.equal(cluster.peek(configMaps, rootCa)?.data?.["ca.crt"], "PEM");
  assert.ok(cluster.peek(serviceAccounts, { namespace: "team", name: "default" }));
});

test("a deleted namespace is emptied, waits for its pods to end, then goes", async (t) => {
  const { cluster, settle } = await startHarness(t, (context) => [new NamespaceController(context, { clusterCaPem: "PEM" })]);
  await cluster.create(namespaces, aNamespace("team"));
  await cluster.create(pods, { ...aPod("p", {}, { nodeName: "n1" }), metadata: { namespace: "team", name: "p" } });
  await cluster.create(pods, aPod("elsewhere"));
  await settle();
  await cluster.delete(namespaces, { name: "team" });
  await settle();
  assert.equal(cluster.peek(namespaces, { name: "team" })?.status?.phase, "Terminating");
  assert.equal(cluster.peekAll(configMaps, { namespace: "team" }).length, 0);
  await cluster.delete(pods, { namespace: "team", name: "p" }, { gracePeriodSeconds: 0 });
  await settle();
  assert.equal(cluster.peek(namespaces, { name: "team" }), undefined);
  assert.equal(cluster.peekAll(pods).length, 1);
});

const renew = async (cluster: FakeCluster, name: string, nowMs: number): Promise<void> => {
  const where = { namespace: "kube-node-lease", name };
  const spec = { holderIdentity: name, leaseDurationSeconds: 40, renewTime: formatMicroTime(nowMs) };
  if (cluster.peek(leases, where) === undefined) await cluster.create(leases, { metadata: where, spec });
  else await cluster.patch(leases, where, { type: "merge", body: { spec } });
};

test("a silent node becomes Unknown after 40 s, is tainted, its pods stop being Ready and are evicted after their toleration", async (t) => {
  const { clock, cluster, settle, runPods } = await startHarness(t, (context) => [new NodeLifecycleController(context), new TaintEvictionController(context)]);
  for (const name of ["n1", "n2"]) {
    await cluster.create(nodes, aNode(name));
    await renew(cluster, name, clock.nowMs());
  }
  const tolerations = [{ key: "node.kubernetes.io/unreachable", operator: "Exists" as const, effect: "NoExecute" as const, tolerationSeconds: 300 }];
  await cluster.create(pods, aPod("patient", {}, { nodeName: "n1", tolerations }));
  await cluster.create(pods, aPod("hasty", {}, { nodeName: "n1" }));
  await cluster.create(pods, aPod("forever", {}, { nodeName: "n1", tolerations: [{ operator: "Exists" }] }));
  await cluster.create(pods, aPod("other", {}, { nodeName: "n2" }));
  await runPods();
  for (let i = 0; i < 4; i += 1) {
    await clock.advance(9_000);
    await renew(cluster, "n2", clock.nowMs());
  }
  await settle();
  assert.equal(findCondition(cluster.peek(nodes, { name: "n1" })?.status?.conditions, "Ready")?.status, "True", "36 s are no reason yet");
  await clock.advance(4_500);
  await renew(cluster, "n2", clock.nowMs());
  await settle();
  const silent = cluster.peek(nodes, { name: "n1" });
  const ready = findCondition(silent?.status?.conditions, "Ready");
  assert.deepEqual([ready?.status, ready?.reason, ready?.message], ["Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status."]);
  assert.deepEqual(silent?.spec?.taints?.map(({ key, effect }) => `${key}:${effect}`), ["node.kubernetes.io/unreachable:NoSchedule", "node.kubernetes.io/unreachable:NoExecute"]);
  assert.equal(findCondition(cluster.peek(nodes, { name: "n2" })?.status?.conditions, "Ready")?.status, "True");
  const pod = (name: string) => cluster.peek(pods, { namespace: "default", name });
  assert.equal(findCondition(pod("patient")?.status?.conditions, "Ready")?.status, "False");
  assert.ok(pod("hasty")?.metadata.deletionTimestamp);
  assert.equal(pod("patient")?.metadata.deletionTimestamp, undefined);
  for (let i = 0; i < 33; i += 1) {
    await clock.advance(9_100);
    await renew(cluster, "n2", clock.nowMs());
  }
  await settle();
  assert.ok(pod("patient")?.metadata.deletionTimestamp);
  assert.equal(findCondition(pod("patient")?.status?.conditions, "DisruptionTarget")?.reason, "DeletionByTaintManager");
  assert.equal(pod("forever")?.metadata.deletionTimestamp, undefined);
  assert.equal(pod("other")?.metadata.deletionTimestamp, undefined);
  assert.ok(cluster.peekAll(events).some(({ message }) => message === "Node n1 status is now: NodeNotReady"));
});

test("while no node is Ready no pod is driven away: then it is the control plane that hears nothing", async (t) => {
  const { clock, cluster, settle, runPods } = await startHarness(t, (context) => [new NodeLifecycleController(context, 4_000), new TaintEvictionController(context)]);
  for (const name of ["n1", "n2"]) {
    await cluster.create(nodes, aNode(name));
    await cluster.create(pods, aPod(`on-${name}`, {}, { nodeName: name }));
  }
  await runPods();
  const taints = (name: string) => cluster.peek(nodes, { name })?.spec?.taints?.map(({ key, effect }) => `${key}:${effect}`) ?? [];
  const isLeaving = (name: string) => cluster.peek(pods, { namespace: "default", name })?.metadata.deletionTimestamp !== undefined;
  await clock.advance(4_000);
  await settle();
  assert.deepEqual(["n1", "n2"].map(taints), [["node.kubernetes.io/unreachable:NoSchedule"], ["node.kubernetes.io/unreachable:NoSchedule"]]);
  assert.deepEqual(["on-n1", "on-n2"].map(isLeaving), [false, false]);
  await cluster.patch(nodes, { name: "n1" }, { type: "strategic", body: { status: { conditions: [{ type: "Ready", status: "True", lastHeartbeatTime: "now" }] } } }, { subresource: "status" });
  await settle();
  assert.deepEqual(["n1", "n2"].map(taints), [[], ["node.kubernetes.io/unreachable:NoSchedule"]]);
  for (let i = 0; i < 11; i += 1) {
    await renew(cluster, "n1", clock.nowMs());
    await clock.advance(1_000);
  }
  await settle();
  assert.deepEqual(["n1", "n2"].map(taints), [[], ["node.kubernetes.io/unreachable:NoSchedule", "node.kubernetes.io/unreachable:NoExecute"]]);
  assert.deepEqual(["on-n1", "on-n2"].map(isLeaving), [false, true]);
});

test("a node that comes back loses the taints in time, and its pods stay", async (t) => {
  const { clock, cluster, settle, runPods } = await startHarness(t, (context) => [new NodeLifecycleController(context), new TaintEvictionController(context)]);
  await cluster.create(nodes, aNode("n1", { taints: [{ key: "mine", effect: "NoSchedule" }] }));
  await cluster.create(nodes, aNode("n2"));
  await renew(cluster, "n2", clock.nowMs());
  await cluster.create(pods, aPod("p", {}, { nodeName: "n1", tolerations: [{ operator: "Exists", effect: "NoExecute", tolerationSeconds: 300 }] }));
  await runPods();
  for (let i = 0; i < 5; i += 1) {
    await clock.advance(20_000);
    await renew(cluster, "n2", clock.nowMs());
  }
  await settle();
  assert.equal(cluster.peek(nodes, { name: "n1" })?.spec?.taints?.length, 3);
  await cluster.patch(nodes, { name: "n1" }, { type: "strategic", body: { status: { conditions: [{ type: "Ready", status: "True", lastHeartbeatTime: "now" }] } } }, { subresource: "status" });
  await settle();
  assert.deepEqual(cluster.peek(nodes, { name: "n1" })?.spec?.taints, [{ key: "mine", effect: "NoSchedule" }]);
  await clock.advance(30_000);
  await renew(cluster, "n1", clock.nowMs());
  await clock.advance(300_000);
  assert.equal(cluster.peek(pods, { namespace: "default", name: "p" })?.metadata.deletionTimestamp, undefined);
});

test("cordon becomes the unschedulable taint and goes with it", async (t) => {
  const { cluster, settle } = await startHarness(t, (context) => [new NodeLifecycleController(context)]);
  await cluster.create(nodes, aNode("n1", { unschedulable: true }));
  await settle();
  assert.deepEqual(cluster.peek(nodes, { name: "n1" })?.spec?.taints?.map(({ key }) => key), ["node.kubernetes.io/unschedulable"]);
  await cluster.patch(nodes, { name: "n1" }, { type: "merge", body: { spec: { unschedulable: null } } });
  await settle();
  assert.equal(cluster.peek(nodes, { name: "n1" })?.spec?.taints, undefined);
});

test("a node that is taken on or let go is told of, as kube-controller-manager tells it", async (t) => {
  const { cluster, settle } = await startHarness(t, (context) => [new NodeLifecycleController(context)]);
  await cluster.create(nodes, aNode("n1"));
  await settle();
  await cluster.delete(nodes, { name: "n1" });
  await settle();
  assert.deepEqual(
    cluster.peekAll(events).map(({ type, reason, message, source, involvedObject, metadata }) => [type, reason, message, source?.component, involvedObject.kind, involvedObject.name, metadata.namespace]),
    [
      ["Normal", "RegisteredNode", "Node n1 event: Registered Node n1 in Controller", "node-controller", "Node", "n1", "default"],
      ["Normal", "RemovingNode", "Node n1 event: Removing Node n1 from Controller", "node-controller", "Node", "n1", "default"],
    ],
  );
});

test("how long a pod may stay", () => {
  const taint = { key: "k", effect: "NoExecute" as const };
  assert.equal(stayMs([taint], undefined), 0);
  assert.equal(stayMs([taint], [{ operator: "Exists" }]), undefined);
  assert.equal(stayMs([taint], [{ operator: "Exists", tolerationSeconds: 5 }, { key: "k", operator: "Exists", tolerationSeconds: 3 }]), 3_000);
  assert.equal(stayMs([taint, { key: "other", effect: "NoExecute" }], [{ key: "k", operator: "Exists", tolerationSeconds: 5 }]), 0);
});

test("a namespace is a resource pool and says which; the pool goes with it, also when vCenter was away, and comes back after a reset", async (t) => {
  const pools = new Map<string, NamespacePool>();
  let isAway = true;
  let number = 440;
  const directory: PoolDirectory = {
    ensure: async (namespace) => {
      if (isAway) throw new Error("no vCenter");
      const known = [...pools.values()].find((pool) => pool.namespace === namespace);
      const pool = known ?? { moid: `resgroup-${(number += 1)}`, namespace, cpuLimitMhz: 65_161, memoryLimitMb: 5_000 };
      pools.set(pool.moid, pool);
      return pool;
    },
    list: async () => [...pools.values()],
    destroy: async (moid) => {
      if (isAway) throw new Error("no vCenter");
      pools.delete(moid);
    },
    cluster: async () => ({ moid: "domain-c9", coreMhz: 2_600 }),
  };
  const { clock, cluster, settle } = await startHarness(t, (context) => [new ResourcePoolController(context, directory)]);
  await cluster.create(namespaces, { metadata: { name: "team" } });
  await settle();
  assert.equal(cluster.peek(namespaces, { name: "team" })?.metadata.annotations, undefined);
  isAway = false;
  await clock.advance(5_000);
  await settle();
  const { annotations, labels } = cluster.peek(namespaces, { name: "team" })!.metadata;
  assert.deepEqual(annotations, { "vmware-system-resource-pool": "resgroup-441", "vmware-system-resource-pool-cpu-limit": "25.0619", "vmware-system-resource-pool-memory-limit": "5000Mi" });
  assert.deepEqual(labels, { vSphereClusterID: "domain-c9" });

  pools.clear();
  await clock.advance(61_000);
  await settle();
  assert.equal(cluster.peek(namespaces, { name: "team" })?.metadata.annotations?.["vmware-system-resource-pool"], "resgroup-442");

  isAway = true;
  await cluster.delete(namespaces, { name: "team" });
  await settle();
  assert.equal(pools.size, 1);
  isAway = false;
  await clock.advance(60_000);
  await settle();
  assert.equal(pools.size, 0);
});

test("a vCenter without a cluster is waited for in silence, however long, and its first cluster is seen at once", async (t) => {
  const warned: unknown[] = [];
  const clusters: { readonly moid: string; readonly coreMhz: number }[] = [];
  const directory: PoolDirectory = {
    ensure: async (namespace) => ({ moid: "resgroup-441", namespace }),
    list: async () => [],
    destroy: async () => undefined,
    cluster: async () => clusters[0],
  };
  const log = { ...silentLogger, warn: (...line: unknown[]) => void warned.push(line) };
  const { clock, cluster, settle } = await startHarness(t, (context) => [new ResourcePoolController({ ...context, log }, directory)]);
  await cluster.create(namespaces, { metadata: { name: "team" } });
  await clock.advance(60_000);
  clusters.push({ moid: "domain-c9", coreMhz: 2_600 });
  await clock.advance(100);
  await settle();
  assert.deepEqual(cluster.peek(namespaces, { name: "team" })?.metadata.labels, { vSphereClusterID: "domain-c9" });
  assert.deepEqual(warned, []);
});

test("a pool without limits writes none", () => {
  assert.deepEqual(poolAnnotations({ moid: "resgroup-1", namespace: "a" }, 2_600), { "vmware-system-resource-pool": "resgroup-1", "vmware-system-resource-pool-cpu-limit": null, "vmware-system-resource-pool-memory-limit": null });
});
