import assert from "node:assert/strict";
import { test } from "node:test";
import type { PodSpec } from "../../src/kubernetes/pod.js";
import { nodes, pods } from "../../src/kubernetes/resource-type.js";
import { eventually, settled } from "../support/eventually.js";
import { HOST, type SphereletWorld, withSpherelets } from "./spherelet-world.js";

const requesting = (requests: Record<string, string>, more: Partial<PodSpec> = {}): Partial<PodSpec> => ({ containers: [{ name: "web", image: "nginx", resources: { requests } }], ...more });

/** A pair: a pod that names the node itself, beside one that requests 10 cores and 32Gi, in; reason and message out. */
interface Rejected {
  readonly rule: string;
  readonly spec: Partial<PodSpec>;
  readonly taint?: true;
  /** What the node has of these. */
  readonly allocatable?: Readonly<Record<string, string>>;
  readonly reason: string;
  readonly message: string;
}

/** Rules: pkg/kubelet/lifecycle/predicate.go and pkg/kubelet/preemption of 1.32. */
const rejected: readonly Rejected[] = [
  { rule: "cpu is counted in millicores", spec: requesting({ cpu: "6500m" }), reason: "OutOfcpu", message: "Node didn't have enough resource: cpu, requested: 6500, used: 10000, capacity: 16000" },
  { rule: "memory is counted in bytes", spec: requesting({ memory: "40Gi" }), reason: "OutOfmemory", message: "Node didn't have enough resource: memory, requested: 42949672960, used: 34359738368, capacity: 68719476736" },
  { rule: "of several the first is told, cpu before memory", spec: requesting({ memory: "40Gi", cpu: "7" }), reason: "OutOfcpu", message: "Node didn't have enough resource: cpu, requested: 7000, used: 10000, capacity: 16000" },
  { rule: "ephemeral storage counts", spec: requesting({ "ephemeral-storage": "1Ti" }), allocatable: { "ephemeral-storage": "1Gi" }, reason: "OutOfephemeral-storage", message: "Node didn't have enough resource: ephemeral-storage, requested: 1099511627776, used: 0, capacity: 1073741824" },
  { rule: "a resource of the user's own that the node has", spec: requesting({ "example.com/fpga": "2" }), allocatable: { "example.com/fpga": "1" }, reason: "OutOfexample.com/fpga", message: "Node didn't have enough resource: example.com/fpga, requested: 2, used: 0, capacity: 1" },
  { rule: "pods come before all other resources", spec: requesting({ cpu: "7" }), allocatable: { pods: "1" }, reason: "OutOfpods", message: "Node didn't have enough resource: pods, requested: 1, used: 1, capacity: 1" },
  { rule: "resources come before the node selector", spec: requesting({ cpu: "7" }, { nodeSelector: { disk: "ssd" } }), reason: "OutOfcpu", message: "Node didn't have enough resource: cpu, requested: 7000, used: 10000, capacity: 16000" },
  { rule: "the node selector counts", spec: { nodeSelector: { disk: "ssd" } }, reason: "NodeAffinity", message: "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector" },
  { rule: "a NoExecute taint counts", spec: {}, taint: true, reason: "TaintToleration", message: "Predicate TaintToleration failed: node(s) had taints that the pod didn't tolerate" },
  { rule: "another operating system", spec: { os: { name: "windows" } }, reason: "PodOSNotSupported", message: "Failed to admit pod as the OS field doesn't match node OS" },
  {
    rule: "a critical pod, for which nobody is preempted here",
    spec: requesting({ cpu: "7", memory: "33Gi" }, { priority: 2_000_001_000 }),
    reason: "UnexpectedAdmissionError",
    message: "Unexpected error while attempting to recover from admission failure: preemption: error finding a set of pods to preempt: no set of running pods found to reclaim resources: [(res: cpu, q: 1000), (res: memory, q: 1073741824), ]",
  },
];

const isReady = (world: SphereletWorld, name: string): boolean => world.pod(name)?.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") === true;
const failure = (world: SphereletWorld, name: string): Promise<unknown> => eventually(`${name} failed`, () => (world.pod(name)?.status?.phase === "Failed" ? world.pod(name)?.status : undefined));
const big = requesting({ cpu: "10", memory: "32Gi" });

async function withNeighbour(work: (world: SphereletWorld) => Promise<void>): Promise<void> {
  await withSpherelets(async (world) => {
    await eventually("node", () => world.cluster.peek(nodes, { name: HOST })?.status?.conditions !== undefined);
    await world.configure(await world.createPod("neighbour", big));
    await eventually("the neighbour runs", () => isReady(world, "neighbour"));
    await work(world);
  });
}

for (const { rule, spec, taint, allocatable, reason, message } of rejected) {
  test(`admission: ${rule}`, () =>
    withNeighbour(async (world) => {
      const { cluster } = world;
      if (taint) await cluster.patch(nodes, { name: HOST }, { type: "merge", body: { spec: { taints: [{ key: "broken", effect: "NoExecute" }] } } });
      if (allocatable) await cluster.patch(nodes, { name: HOST }, { type: "merge", body: { status: { allocatable } } }, { subresource: "status" });
      // The Spherelet hears of it by its watch.
      await settled(200);
      // Nobody has asked for it, and it has no VM yet.
      await world.createPod("bound", spec, { vm: false });
      const status = (await failure(world, "bound")) as Record<string, unknown>;
      assert.deepEqual({ ...status, startTime: undefined, conditions: undefined }, { phase: "Failed", reason, message: `Pod was rejected: ${message}`, startTime: undefined, conditions: undefined, containerStatuses: [] });
      assert.deepEqual((status["conditions"] as { readonly type: string }[]).map(({ type }) => type), ["PodScheduled"]);
      const told = await eventually("told", () => world.events("bound").find((event) => event.reason === reason));
      assert.deepEqual([told.type, told.message, told.source], ["Warning", message, { component: "kubelet", host: HOST }]);
      assert.equal(isReady(world, "neighbour"), true);
    }));
}

test("admission: what the node does not know of a user's own resources is not asked for, and NoSchedule taints are the scheduler's", () =>
  withNeighbour(async (world) => {
    await world.cluster.patch(nodes, { name: HOST }, { type: "merge", body: { spec: { taints: [{ key: "reserved", effect: "NoSchedule" }] } } });
    await world.configure(await world.createPod("own", requesting({ "example.com/unknown": "3", cpu: "6" })));
    await eventually("it runs", () => isReady(world, "own"));
  }));

test("admission: pods that have ended, are gone or were rejected take no room", () =>
  withNeighbour(async (world) => {
    await world.createPod("rejected", big, { vm: false });
    await failure(world, "rejected");
    await world.cluster.patch(pods, { namespace: "default", name: "neighbour" }, { type: "merge", body: { status: { phase: "Failed", reason: "Evicted" } } }, { subresource: "status" });
    // Not even where the news of it comes after the new pod: it was configured by a caller who knows more.
    await world.configure(await world.createPod("second", big));
    await eventually("the second runs", () => isReady(world, "second"));
    await world.cluster.delete(pods, { namespace: "default", name: "second" }, { gracePeriodSeconds: 1 });
    await eventually("its containers ended", () => world.pod("second")?.metadata.deletionGracePeriodSeconds === 0);
    await world.configure(await world.createPod("third", big));
    await eventually("the third runs", () => isReady(world, "third"));
  }));

test("admission: a new Spherelet counts the pods it finds, and does not ask again whether they fit", () =>
  withNeighbour(async (world) => {
    await world.cluster.patch(nodes, { name: HOST }, { type: "merge", body: { spec: { taints: [{ key: "broken", effect: "NoExecute" }] } } });
    await world.restart();
    await world.createPod("bound", requesting({ cpu: "7" }, { tolerations: [{ operator: "Exists" }] }), { vm: false });
    assert.equal(((await failure(world, "bound")) as { readonly reason: string }).reason, "OutOfcpu");
    assert.equal(isReady(world, "neighbour"), true);
  }));
