import assert from "node:assert/strict";
import { after, test } from "node:test";
import { ManualClock, monotonicClock } from "../../../src/base/clock.js";
import { silentLogger } from "../../../src/base/log.js";
import { Dice } from "../../../src/base/seeded-random.js";
import type { StepRecord } from "../../../src/gen/spheresim/emulator/v1/journal.js";
import { MethodFault } from "../../../src/gen/spheresim/vim/v1/fault.js";
import { TaskInfo, TaskState } from "../../../src/gen/spheresim/vim/v1/task.js";
import { Host, HostConnectionState } from "../../../src/gen/spheresim/vcenter/v1/inventory.js";
import { UpdateKind } from "../../../src/gen/spheresim/vim/v1/update.js";
import { EventRecorder } from "../../../src/kubernetes/event-recorder.js";
import { Informer } from "../../../src/kubernetes/informer.js";
import type { Node } from "../../../src/kubernetes/node.js";
import type { Pod } from "../../../src/kubernetes/pod.js";
import { events as eventType, pods as podType } from "../../../src/kubernetes/resource-type.js";
import { lifecycleFinalizer, podVmAnnotations, vmUuidOf } from "../../../src/kubernetes/vsphere-pod.js";
import type { BindOutcome, FilterRequest } from "../../../src/scheduler/extender.js";
import { Explanations } from "../../../src/scheduler/explanations.js";
import { type Extension, openExtension } from "../../../src/scheduler/extension/index.js";
import { VmCommit } from "../../../src/scheduler/extension/vm-commit.js";
import { PodSteps } from "../../../src/kubernetes/pod-steps.js";
import { eventually, settled } from "../../support/eventually.js";
import { FakeCluster } from "../../support/fake-cluster.js";
import { FakeVcenter, VCENTER_UUID } from "../../support/fake-vcenter.js";

const hosts = ["esxi-01.spheresim.test", "esxi-02.spheresim.test", "esxi-03.spheresim.test"];
const [first = "", second = ""] = hosts;

async function setUp() {
  const clock = new ManualClock(1_800_000_000_000);
  const cluster = new FakeCluster(clock);
  const vcenter = await new FakeVcenter(hosts).start();
  const records: StepRecord[] = [];
  const explanations = new Explanations();
  const running: { close(): Promise<void> }[] = [];
  const start = async (): Promise<Extension> => {
    const pods = new Informer<Pod>({ client: cluster, type: podType, clock: monotonicClock(), dice: new Dice(2) });
    const events = new EventRecorder({ client: cluster, component: "default-scheduler", clock, dice: new Dice(3), log: silentLogger });
    const extension = openExtension({
      client: cluster,
      pods,
      vcenterAddress: vcenter.address,
      events,
      explanations,
      steps: new PodSteps({ record: (step) => void records.push(step) }, "scheduler", clock),
      clock,
      monotonic: monotonicClock(),
      dice: new Dice(1),
      log: silentLogger,
    });
    pods.start();
    await pods.synced();
    extension.start();
    running.push(extension, pods);
    return extension;
  };
  after(async () => {
    for (const each of running) await each.close();
    await vcenter.close();
  });
  const stored = (name = "web"): Pod | undefined => cluster.peek(podType, { namespace: "default", name });
  const create = (name = "web", spec: Partial<Pod["spec"]> = {}): Promise<Pod> =>
    cluster.create(podType, { metadata: { namespace: "default", name }, spec: { containers: [{ name: "web", image: "nginx" }], ...spec } });
  return { clock, cluster, vcenter, records, explanations, start, stored, create };
}

function request(pod: Pod, names: readonly string[] = hosts): FilterRequest {
  return { pod, attempt: 1, nodes: names.map((name) => ({ node: { metadata: { name, uid: name, resourceVersion: "1", creationTimestamp: "" } } satisfies Node, score: 50 })) };
}

/** Step 6 as kube-scheduler sends it. */
function bind(cluster: FakeCluster, pod: Pod, node: string): Promise<BindOutcome> {
  return cluster.bind({ apiVersion: "v1", kind: "Binding", metadata: { namespace: "default", name: pod.metadata.name, uid: pod.metadata.uid }, target: { kind: "Node", name: node } }).then(
    () => ({ bound: true }),
    (error: unknown) => ({ bound: false, error }),
  );
}

/** What image controller and network write. */
async function prepare(cluster: FakeCluster, name = "web"): Promise<void> {
  const annotations = { [podVmAnnotations.imageReferences]: '{"web":"nginx-1-v1"}', attachment_id: "a", mac: "04:50:56:00:00:01", vlan: "None" };
  await cluster.patch(podType, { namespace: "default", name }, { type: "merge", body: { metadata: { annotations } } });
}

const unreachable = MethodFault.fromPartial({ localizedMessage: "the host does not answer", fault: { $case: "hostNotReachable", value: {} } });

test("steps 4 to 10: one node comes back, the VM is made beside the binding, its id is stored when all else is", async () => {
  const { cluster, vcenter, records, explanations, start, stored, create } = await setUp();
  const { extender } = await start();
  const pod = await create();
  vcenter.script.choose = (_, names) => names[1];
  const answer = await extender.filter(request(pod));
  assert.deepEqual(answer, { nodes: [second], failedNodes: {} });

  extender.binding({ pod, node: second, attempt: 1 }, bind(cluster, pod, second));
  await eventually("VM", () => vcenter.vms.size === 1);
  await eventually("step 9", () => records.some((step) => step.step === 9));
  await settled();
  assert.equal(vmUuidOf(stored()!), undefined, "image references and network are not there yet");

  await prepare(cluster);
  const done = await eventually("step 10", () => (vmUuidOf(stored()!) === undefined ? undefined : stored()));
  const vm = vcenter.vms.get(pod.metadata.uid)!;
  assert.equal(done.metadata.annotations![podVmAnnotations.vmUuid], vm.config!.uuid);
  assert.equal(done.metadata.annotations![podVmAnnotations.vmMoid], `${vm.ref!.value}:${VCENTER_UUID}`);
  assert.match(done.metadata.annotations![podVmAnnotations.ephemeralDiskUuid]!, /^6000C29f-/);
  assert.deepEqual(done.metadata.finalizers, [lifecycleFinalizer]);
  await eventually("recorded", () => records.some((step) => step.step === 10));
  assert.deepEqual(records.map((step) => [step.step, step.room]), [[5, "scheduler"], [9, "scheduler"], [10, "scheduler"]]);

  const explained = explanations.explain("default", "web")!;
  assert.equal(explained.node, second);
  assert.equal(explained.hostVerdicts.length, 3);
  assert.equal(explained.sized?.config?.numCpus, 1);
  assert.ok(explained.notWeighed.length > 0);
});

test("budget: a second pod of the same shape costs PlaceVms, Apply and one patch", async () => {
  const { cluster, vcenter, start, stored, create } = await setUp();
  const { extender } = await start();
  for (const name of ["one", "two"]) {
    const pod = await create(name);
    await prepare(cluster, name);
    vcenter.calls.length = 0;
    cluster.calls.length = 0;
    await extender.filter(request(pod));
    extender.binding({ pod, node: first, attempt: 1 }, bind(cluster, pod, first));
    await eventually("step 10", () => vmUuidOf(stored(name)!));
  }
  assert.deepEqual(vcenter.calls.map((call) => call.method), ["PlaceVms", "ApplyRecommendation"]);
  assert.deepEqual(cluster.calls.map((call) => call.verb).filter((verb) => verb !== "watch"), ["bind", "patch"]);
});

test("pods decided in one go travel in one call; a bad one does not hold the others", async () => {
  const { vcenter, start, create } = await setUp();
  const { extender } = await start();
  const pods = [await create("a"), await create("b"), await create("c")];
  const answers = await extender.filterBatch(pods.map((pod) => request(pod)));
  assert.deepEqual(answers.map((answer) => answer.nodes), [[first], [first], [first]]);
  assert.equal(vcenter.count("PlaceVms"), 1);
});

test("a pod that only DRS refuses says so, host by host", async () => {
  const { vcenter, records, explanations, start, create } = await setUp();
  const { extender } = await start();
  vcenter.script.choose = () => undefined;
  vcenter.script.wouldFitIf = ["50 MB more unreserved memory in pool small"];
  const answer = await extender.filter(request(await create(), [...hosts, "kwok-node"]));
  assert.deepEqual(answer.nodes, []);
  assert.equal(answer.failedNodes[first], "DRS: InsufficientHostMemoryCapacityFault: no room");
  assert.equal(answer.failedNodes["kwok-node"], "DRS: not an ESXi host of this vCenter");
  assert.match(records[0]!.message, /^DRS found no host for a VM of 1 vCPU and 512 MB: 3 DRS: InsufficientHostMemoryCapacityFault: no room, 1 DRS: not an ESXi host/);
  assert.deepEqual(explanations.explain("default", "web")?.wouldFitIf, ["50 MB more unreserved memory in pool small"]);
});

test("a fault is one reason of several in Kubernetes' sentence, without a full stop of its own", async () => {
  const { vcenter, start, create } = await setUp();
  const { extender } = await start();
  vcenter.script.choose = () => undefined;
  vcenter.script.refusal = () => MethodFault.fromPartial({ localizedMessage: "2.5 GB are free.", fault: { $case: "insufficientHostMemoryCapacityFault", value: {} } });
  assert.equal((await extender.filter(request(await create()))).failedNodes[first], "DRS: InsufficientHostMemoryCapacityFault: 2.5 GB are free");
});

test("vCenter away: the extender says so; capacity that comes back rings", async () => {
  const { vcenter, start, create } = await setUp();
  const { extender } = await start();
  let rung = 0;
  extender.subscribe(() => void (rung += 1));
  await eventually("watching", () => vcenter.count("WatchInventory") > 0);
  await settled();
  vcenter.tellInventory({ kind: UpdateKind.MODIFY, resumeToken: "2", object: { $case: "host", value: Host.fromPartial({ ref: vcenter.hostRef(first), connectionState: HostConnectionState.CONNECTED }) } });
  await eventually("rung", () => rung === 1);
  await vcenter.close();
  const answer = await extender.filter(request(await create()));
  assert.match(answer.error ?? "", /^vCenter could not be asked: /);
});

test("a binding that fails gives the VM back", async () => {
  const { cluster, vcenter, start, create, stored } = await setUp();
  const { extender } = await start();
  const pod = await create();
  await extender.filter(request(pod));
  const refused = bind(cluster, { ...pod, metadata: { ...pod.metadata, uid: "another" } }, first);
  extender.binding({ pod, node: first, attempt: 1 }, refused);
  await refused;
  extender.unreserve({ pod, node: first, attempt: 1 });
  await eventually("destroyed", () => vcenter.count("DestroyVm") > 0 && vcenter.vms.size === 0);
  assert.equal(vmUuidOf(stored()!), undefined);
  // Placed again, as if nothing had been.
  await prepare(cluster);
  await extender.filter(request(pod));
  extender.binding({ pod, node: second, attempt: 2 }, bind(cluster, pod, second));
  await eventually("step 10", () => vmUuidOf(stored()!));
  assert.equal(vcenter.vms.get(pod.metadata.uid)?.hostName, second);
});

test("a hold without a binding is cancelled", async () => {
  const { vcenter, start, create } = await setUp();
  const { extender } = await start();
  const pod = await create();
  await extender.filter(request(pod));
  extender.unreserve({ pod, node: first, attempt: 1 });
  await eventually("cancelled", () => vcenter.count("CancelRecommendation") === 1);
  assert.deepEqual(vcenter.calls.find((call) => call.method === "CancelRecommendation")?.request, { requestId: "", key: "", ownerUid: pod.metadata.uid });
});

test("recovery: a bound pod without a VM id is applied by owner after a start; an existing VM is taken, not doubled", async () => {
  const { cluster, vcenter, start, create, stored } = await setUp();
  const fresh = await create("fresh");
  const half = await create("half");
  for (const pod of [fresh, half]) {
    await prepare(cluster, pod.metadata.name);
    await bind(cluster, pod, second);
  }
  vcenter.addVm(half.metadata.uid, second, "502d-half", 0);
  await start();
  await eventually("both", () => vmUuidOf(stored("fresh")!) !== undefined && vmUuidOf(stored("half")!) !== undefined);
  assert.equal(vmUuidOf(stored("half")!), "502d-half");
  assert.equal(vcenter.vms.get(fresh.metadata.uid)?.hostName, second);
  assert.equal(vcenter.count("PlaceVms"), 0);
  assert.equal(vcenter.vms.size, 2);
});

test("recovery: a VM on another host than the pod's node goes first", async () => {
  const { cluster, vcenter, start, create, stored } = await setUp();
  const pod = await create();
  await prepare(cluster);
  await bind(cluster, pod, second);
  vcenter.addVm(pod.metadata.uid, first, "502d-elsewhere", 0);
  await start();
  await eventually("step 10", () => vmUuidOf(stored()!));
  assert.equal(vcenter.vms.get(pod.metadata.uid)?.hostName, second);
  assert.notEqual(vmUuidOf(stored()!), "502d-elsewhere");
});

test("a host that does not answer: the bound pod's VM is made there as soon as it does", async () => {
  const { cluster, vcenter, start, create, stored } = await setUp();
  let failures = 2;
  vcenter.script.createFault = () => ((failures -= 1) >= 0 ? unreachable : undefined);
  const { extender } = await start();
  const pod = await create();
  await prepare(cluster);
  await extender.filter(request(pod));
  extender.binding({ pod, node: first, attempt: 1 }, bind(cluster, pod, first));
  await eventually("step 10", () => vmUuidOf(stored()!));
  assert.equal(vcenter.count("ApplyRecommendation"), 3);
  assert.equal(vcenter.vms.get(pod.metadata.uid)?.hostName, first);
});

test("a host that did not answer is left out when the pod is placed again", async () => {
  const { cluster, vcenter, start, create } = await setUp();
  vcenter.script.createFault = () => unreachable;
  const { extender } = await start();
  const pod = await create();
  await extender.filter(request(pod));
  let fail: (outcome: BindOutcome) => void = () => undefined;
  extender.binding({ pod, node: first, attempt: 1 }, new Promise((resolve) => (fail = resolve)));
  await eventually("failed", () => [...vcenter.tasks.values()].some((task) => task.state === TaskState.ERROR));
  await settled();
  fail({ bound: false, error: new Error("no") });
  await settled();
  const again = await extender.filter(request(pod));
  assert.deepEqual(again.nodes, [second]);
  assert.equal(cluster.calls.filter((call) => call.verb === "bind").length, 0);
});

test("a VM that no host will ever make fails the pod with ProviderFailed", async () => {
  const { cluster, vcenter, start, create, stored } = await setUp();
  vcenter.script.createFault = () => MethodFault.fromPartial({ localizedMessage: "too large", fault: { $case: "memorySizeNotSupported", value: {} } });
  const { extender } = await start();
  const pod = await create();
  await extender.filter(request(pod));
  const bound = bind(cluster, pod, first);
  await bound;
  await settled();
  extender.binding({ pod, node: first, attempt: 1 }, bound);
  await eventually("failed", () => stored()?.status?.phase === "Failed");
  assert.equal(stored()?.status?.reason, "ProviderFailed");
  assert.equal(stored()?.status?.message, "too large");
});

test("FailedCreatePodVM and ProviderFailed say in vSphere's words what is wrong with the VM, and name no field of our contract", async () => {
  const { cluster, vcenter, start, create } = await setUp();
  const fault = (localizedMessage: string, invalidProperty: string): MethodFault => MethodFault.fromPartial({ localizedMessage, fault: { $case: "invalidArgument", value: { invalidProperty } } });
  const { extender } = await start();
  const told = (): readonly (string | undefined)[] => cluster.peekAll(eventType).flatMap(({ reason, message }) => (reason === "FailedCreatePodVM" ? [message] : []));
  for (const [name, said, field, words] of [
    ["of-vcenter", "spec.config_spec.memory_mb: must be at most 1024, is 2048", "spec.config_spec.memory_mb", "A specified parameter was not correct: configSpec.memoryMB (must be at most 1024, is 2048)"],
    ["of-hostd", "A specified parameter was not correct: config.num_cpus (must be at least 1)", "config.num_cpus", "A specified parameter was not correct: config.numCPUs (must be at least 1)"],
  ] as const) {
    vcenter.script.createFault = () => fault(said, field);
    const pod = await create(name);
    await extender.filter(request(pod));
    const bound = bind(cluster, pod, first);
    await bound;
    await settled();
    extender.binding({ pod, node: first, attempt: 1 }, bound);
    await eventually(name, () => told().includes(`VM was not made on ${first}, trying again: ${words}`));
  }
});

test("a pod deleted before its VM id was stored leaves no VM", async () => {
  const { cluster, vcenter, start, create } = await setUp();
  vcenter.script.holdTasks = true;
  const { extender } = await start();
  const pod = await create();
  await extender.filter(request(pod));
  extender.binding({ pod, node: first, attempt: 1 }, bind(cluster, pod, first));
  await eventually("begun", () => vcenter.vms.size === 1);
  await cluster.delete(podType, { namespace: "default", name: "web" }, { gracePeriodSeconds: 0 });
  await eventually("asked", () => vcenter.count("DestroyVm") > 0);
  vcenter.endTasks();
  await eventually("gone", () => vcenter.vms.size === 0);
});

test("vCenter killed while a task runs: its end is heard after the restart", async () => {
  const { cluster, vcenter, start, create, stored } = await setUp();
  vcenter.script.holdTasks = true;
  const { extender } = await start();
  const pod = await create();
  await prepare(cluster);
  await extender.filter(request(pod));
  extender.binding({ pod, node: first, attempt: 1 }, bind(cluster, pod, first));
  await eventually("begun", () => vcenter.vms.size === 1);
  await settled();
  await vcenter.close();
  vcenter.endTasks();
  await vcenter.start();
  await eventually("step 10", () => vmUuidOf(stored()!));
  assert.equal(vcenter.vms.size, 1);
});

test("a pod made anew under the name while the VM id was on its way gets nothing of the former one", async () => {
  const { clock, cluster, records, stored, create } = await setUp();
  const former = await create();
  await prepare(cluster);
  await bind(cluster, former, first);
  const seen = stored()!;
  await cluster.delete(podType, { namespace: "default", name: "web" }, { gracePeriodSeconds: 0 });
  await create();
  await prepare(cluster);
  await bind(cluster, stored()!, first);
  const commit = new VmCommit({
    client: cluster,
    vcenter: { instanceUuid: () => Promise.resolve(VCENTER_UUID) },
    events: { record: () => undefined },
    steps: new PodSteps({ record: (step) => void records.push(step) }, "scheduler", clock),
    clock,
  });
  const task = TaskInfo.fromPartial({ vmUuid: "502d0cfb-3862-102e-e601-df9e588a71f0", state: TaskState.SUCCESS, result: { type: "VirtualMachine", value: "vm-101" } });
  assert.equal(await commit.write(seen, first, task), "unwanted");
  assert.deepEqual([vmUuidOf(stored()!), stored()!.metadata.finalizers], [undefined, undefined]);
  assert.deepEqual(records, []);
});
