import assert from "node:assert/strict";
import { after, test } from "node:test";
import { monotonicClock, wallClock } from "../../src/base/clock.js";
import { silentLogger } from "../../src/base/log.js";
import { RpcCode, RpcError } from "../../src/base/rpc-error.js";
import { Dice } from "../../src/base/seeded-random.js";
import type { StepRecord } from "../../src/gen/spheresim/emulator/v1/journal.js";
import { ExplainServiceClient } from "../../src/gen/spheresim/scheduler/v1/explain_service.js";
import type { Pod } from "../../src/kubernetes/pod.js";
import { events as eventType, nodes as nodeType, pods as podType } from "../../src/kubernetes/resource-type.js";
import { vmUuidOf } from "../../src/kubernetes/vsphere-pod.js";
import { startLifecycle } from "../../src/lifecycle/index.js";
import { openChannel } from "../../src/rpc/channel.js";
import { type SchedulerOptions, startScheduler } from "../../src/scheduler/index.js";
import { eventually } from "../support/eventually.js";
import { startFakeApiServer } from "../support/fake-api-server.js";
import { FakeCluster } from "../support/fake-cluster.js";
import { startFakeSpherelet } from "../support/fake-spherelet.js";
import { FakeVcenter } from "../support/fake-vcenter.js";

const hosts = ["esxi-01.spheresim.test", "esxi-02.spheresim.test", "esxi-03.spheresim.test"];

/** Scheduler and lifecycle as two strangers between an API server, a vCenter and Spherelets. */
async function setUp(extra: Partial<SchedulerOptions> = {}) {
  const clock = wallClock();
  const monotonic = monotonicClock();
  const cluster = new FakeCluster(clock);
  for (const name of hosts) {
    await cluster.create(nodeType, { metadata: { name }, status: { allocatable: { cpu: "16", memory: "64Gi", pods: "110" }, conditions: [{ type: "Ready", status: "True" }] } });
  }
  const apiserver = await startFakeApiServer(cluster);
  const vcenter = await new FakeVcenter(hosts).start();
  const spherelet = await startFakeSpherelet();
  const records: StepRecord[] = [];
  const recorder = { record: (step: StepRecord): void => void records.push(step) };
  const common = { apiserver: { server: apiserver.url }, vcenterAddress: vcenter.address, log: silentLogger, clock, monotonic, recorder };
  const scheduler = await startScheduler({ ...common, dice: new Dice("scheduler"), ...extra });
  const lifecycle = await startLifecycle({ ...common, sphereletAddress: spherelet.address, dice: new Dice("lifecycle"), profile: { durations: { imageResolveMs: 0, imageFetchMs: 0, networkRealizeMs: 0 } } });
  await Promise.all([scheduler.ready, lifecycle.ready]);
  const channel = openChannel({ address: scheduler.address });
  after(async () => {
    channel.close();
    await Promise.all([scheduler.close(), lifecycle.close()]);
    await Promise.all([apiserver.close(), vcenter.close(), spherelet.close()]);
  });
  const create = (name: string, spec: Partial<Pod["spec"]> = {}): Promise<Pod> =>
    cluster.create(podType, { metadata: { namespace: "default", name }, spec: { containers: [{ name: "web", image: "nginx" }], ...spec } });
  const stored = (name: string): Pod | undefined => cluster.peek(podType, { namespace: "default", name });
  return { cluster, vcenter, spherelet, records, explain: channel.client(ExplainServiceClient), create, stored, scheduler, apiserver };
}

test("a pod goes from stored to configured: steps 3, 5, 6, 9, 10, 11 in their order, and explain says why", async () => {
  const { vcenter, spherelet, records, explain, create, stored } = await setUp();
  vcenter.script.choose = (_, names) => names.find((name) => name === hosts[1]);
  const pod = await create("web");
  await eventually("configured", () => spherelet.seen.length > 0);
  assert.equal(stored("web")?.spec.nodeName, hosts[1]);
  assert.equal(spherelet.seen[0]?.host, hosts[1]);
  assert.equal(spherelet.seen[0]?.request.vmUuid, vcenter.vms.get(pod.metadata.uid)?.config?.uuid);
  await eventually("recorded", () => records.some((step) => step.step === 11));
  const order = records.map((step) => step.step);
  assert.deepEqual([...order].sort((a, b) => a - b), [3, 5, 6, 9, 10, 11]);
  assert.ok(order.indexOf(9) < order.indexOf(10) && order.indexOf(6) < order.indexOf(10));
  assert.equal(records.find((step) => step.step === 3)?.nodeVerdicts.length, 3);

  const why = await explain.explain({ namespace: "", name: "web" });
  assert.equal(why.node, hosts[1]);
  assert.equal(why.message, `DRS recommends ${hosts[1]}`);
  assert.equal(why.nodeVerdicts.filter((verdict) => verdict.feasible).length, 3);
  assert.deepEqual(why.hostVerdicts.map((verdict) => verdict.verdict?.$case), ["feasible", "chosen", "feasible"]);
  await assert.rejects(explain.explain({ namespace: "default", name: "nobody" }), (error) => RpcError.is(error, RpcCode.NOT_FOUND));
});

test("a pod that only DRS refuses waits with an event that says so, and goes on when there is room", async () => {
  const { cluster, vcenter, records, create, stored } = await setUp();
  let full = true;
  vcenter.script.choose = (_, names) => (full ? undefined : names[0]);
  const pod = await create("large");
  const said = await eventually("event", () => cluster.peekAll(eventType).find((event) => event.reason === "FailedScheduling"));
  assert.equal(said.message, "0/3 nodes are available: 3 DRS: InsufficientHostMemoryCapacityFault: no room. preemption: 0/3 nodes are available: 3 No preemption victims found for incoming pod.");
  assert.equal(stored("large")?.spec.nodeName, undefined);
  assert.equal(records.find((step) => step.step === 5)?.outcome, 2);
  full = false;
  // A VM elsewhere is destroyed: the inventory tells, and the pod is tried again.
  vcenter.tellVmGone("vm-7");
  await eventually("placed", () => vmUuidOf(stored("large")!));
  assert.equal(vcenter.vms.get(pod.metadata.uid)?.hostName, hosts[0]);
});

test("ten pods at once: each has one VM, on the node it is bound to, and no call is made twice", async () => {
  const { vcenter, spherelet, create, stored } = await setUp();
  vcenter.script.choose = (spec, names) => names[spec.ownerUid.charCodeAt(0) % names.length];
  const names = Array.from({ length: 10 }, (_, at) => `pod-${at}`);
  const pods = await Promise.all(names.map((name) => create(name)));
  await eventually("all configured", () => spherelet.seen.length === 10);
  for (const pod of pods) assert.equal(vcenter.vms.get(pod.metadata.uid)?.hostName, stored(pod.metadata.name)?.spec.nodeName);
  assert.equal(vcenter.count("ApplyRecommendation"), 10);
  assert.equal(vcenter.count("SizePod"), 1);
  assert.ok(vcenter.count("PlaceVms") <= 10);
  assert.equal(new Set(pods.map((pod) => stored(pod.metadata.name)?.metadata.annotations?.["spheresim.dev/pod-ip"])).size, 10);
});

test("Kubernetes alone decides when it is told to, and the VM follows", async () => {
  const { vcenter, spherelet, create, stored } = await setUp({ decider: "kubernetes" });
  const pod = await create("web");
  await eventually("configured", () => spherelet.seen.length > 0);
  assert.equal(vcenter.count("PlaceVms"), 0);
  assert.equal(vcenter.vms.get(pod.metadata.uid)?.hostName, stored("web")?.spec.nodeName);
});

test("the extender is served where asked, on loopback only", async () => {
  const { scheduler, apiserver, vcenter } = await setUp({ extenderListen: "127.0.0.1:0", schedules: false });
  const answer = await fetch(`http://${scheduler.extenderAddress}/healthz`);
  assert.equal(await answer.text(), "ok");
  const peers = { apiserver: { server: apiserver.url }, vcenterAddress: vcenter.address };
  const around = { log: silentLogger, clock: wallClock(), monotonic: monotonicClock(), dice: new Dice(1) };
  await assert.rejects(startScheduler({ ...peers, ...around, extenderListen: "0.0.0.0:0" }), /refusing to listen/);
});
