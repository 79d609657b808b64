import assert from "node:assert/strict";
import { after, test } from "node:test";
import { RpcCode, RpcError } from "../../src/base/rpc-error.js";
import { VirtualMachineConnectionState } from "../../src/gen/spheresim/vcenter/v1/inventory.js";
import type { Pod } from "../../src/kubernetes/pod.js";
import { images as imageType, pods as podType } from "../../src/kubernetes/resource-type.js";
import { imageReferencesOf, lifecycleFinalizer, podVmAnnotations } from "../../src/kubernetes/vsphere-pod.js";
import { eventually, settled } from "../support/eventually.js";
import type { FakeCluster } from "../support/fake-cluster.js";
import { startFakeSpherelet } from "../support/fake-spherelet.js";
import { HOST, lifecyclePeers } from "./world.js";

const web = { namespace: "default", name: "web" };

function draft(name: string, extra: Partial<Pod["spec"]> = {}) {
  return { metadata: { namespace: "default", name }, spec: { containers: [{ name: "web", image: "nginx:1.27" }], ...extra } };
}

/** What steps 6 and 10 write. */
async function bindWithVm(cluster: FakeCluster, name: string, vmUuid: string): Promise<Pod> {
  await cluster.bind({ apiVersion: "v1", kind: "Binding", metadata: { namespace: "default", name }, target: { kind: "Node", name: HOST } });
  const body = { metadata: { annotations: { [podVmAnnotations.vmUuid]: vmUuid }, finalizers: [lifecycleFinalizer] } };
  return cluster.patch(podType, { namespace: "default", name }, { type: "merge", body });
}

test("a stored pod gets image references and a network, each with one patch", async () => {
  const { cluster, start, stored } = await lifecyclePeers();
  await start();
  await cluster.create(podType, draft("web", { initContainers: [{ name: "setup", image: "busybox" }] }));
  const pod = await eventually("both on the pod", () => {
    const now = stored();
    return imageReferencesOf(now!) !== undefined && now!.metadata.annotations?.["mac"] !== undefined ? now! : false;
  });
  const references = imageReferencesOf(pod)!;
  assert.match(references["web"]!, /^nginx-[0-9a-f]{40}-v1$/);
  assert.match(references["setup"]!, /^busybox-[0-9a-f]{40}-v1$/);
  assert.match(pod.metadata.annotations!["attachment_id"]!, /^[0-9a-f-]{36}$/);
  assert.equal(pod.metadata.annotations!["mac"], "04:50:56:00:00:00");
  assert.equal(pod.metadata.annotations!["vlan"], "None");
  assert.equal(pod.metadata.annotations!["spheresim.dev/pod-ip"], "10.244.0.2");
  const image = cluster.peek(imageType, { namespace: "default", name: references["web"]! })!;
  assert.equal(image.status?.phase, "Ready");
  assert.match(image.status?.imageDisk ?? "", /^[0-9a-f]{64}-v0$/);
  await settled();
  assert.equal(cluster.calls.filter((call) => call.verb === "patch" && call.path.endsWith("/pods/web")).length, 2);
});

test("a second pod of the same image makes no second Image; a name that cannot be read is left out", async () => {
  const { cluster, start, stored } = await lifecyclePeers();
  await start();
  await cluster.create(podType, draft("web"));
  await eventually("the first", () => imageReferencesOf(stored()!));
  await cluster.create(podType, draft("two", { containers: [{ name: "web", image: "nginx:1.27" }, { name: "bad", image: "<your-image>" }] }));
  const references = await eventually("the second", () => imageReferencesOf(stored("two")!));
  assert.deepEqual(Object.keys(references), ["web"]);
  assert.equal(cluster.peekAll(imageType).length, 1);
});

test("step 11: a bound pod with a VM goes to the Spherelet of its node, again until it is taken", async () => {
  let refusals = 2;
  const spherelet = await startFakeSpherelet("127.0.0.1:0", () => {
    refusals -= 1;
    if (refusals >= 0) throw new RpcError(RpcCode.FAILED_PRECONDITION, "not yet");
  });
  after(() => spherelet.close());
  const { cluster, start, records } = await lifecyclePeers({ sphereletAddress: spherelet.address });
  await start();
  await cluster.create(podType, draft("web"));
  const pod = await bindWithVm(cluster, "web", "502d-1");
  await eventually("configured", () => spherelet.seen.length > 0);
  const { host, request } = spherelet.seen[0]!;
  assert.equal(host, HOST);
  assert.equal(request.podUid, pod.metadata.uid);
  assert.equal(request.vmUuid, "502d-1");
  assert.equal((JSON.parse(request.podJson.toString()) as Pod).metadata.name, "web");
  const record = await eventually("recorded", () => records.find((step) => step.step === 11));
  assert.equal(record.room, "lifecycle");
  assert.equal(record.peer, "spherelet");
});

test("D4 to D6: the VM is destroyed, then the finalizer goes and the object with it", async () => {
  const { cluster, vcenter, start, stored, records, clock } = await lifecyclePeers();
  await start();
  await cluster.create(podType, draft("web"));
  const pod = await bindWithVm(cluster, "web", "502d-1");
  vcenter.addVm(pod.metadata.uid, HOST, "502d-1", clock.nowMs());
  await cluster.delete(podType, web);
  await settled();
  assert.equal(vcenter.count("DestroyVm"), 0, "the Spherelet has not finished yet");
  vcenter.script.holdTasks = true;
  await cluster.delete(podType, web, { gracePeriodSeconds: 0 });
  await eventually("asked", () => vcenter.count("DestroyVm") === 1);
  await settled();
  assert.notEqual(stored(), undefined, "held until the VM is gone");
  vcenter.endTasks();
  await eventually("gone", () => stored() === undefined);
  await eventually("recorded", () => records.some((step) => step.step === 106));
  assert.deepEqual(records.filter((step) => step.step > 100).map((step) => step.step), [104, 106]);
});

test("D4: a VM that is not there any more is success, also across a restart of vCenter", async () => {
  const { cluster, vcenter, start, stored } = await lifecyclePeers();
  await start();
  await cluster.create(podType, draft("web"));
  await bindWithVm(cluster, "web", "502d-1");
  await vcenter.close();
  await cluster.delete(podType, web, { gracePeriodSeconds: 0 });
  await settled();
  await vcenter.start();
  await eventually("gone", () => stored() === undefined);
});

test("the sweep destroys what no pod wants, and only when it is old enough", async () => {
  const { cluster, vcenter, start, clock } = await lifecyclePeers();
  const lifecycle = await start();
  await cluster.create(podType, draft("web"));
  const pod = await bindWithVm(cluster, "web", "502d-1");
  vcenter.addVm(pod.metadata.uid, HOST, "502d-1", clock.nowMs() - 60_000);
  vcenter.addVm("nobody", HOST, "502d-2", clock.nowMs() - 31_000);
  vcenter.addVm("too-young", HOST, "502d-3", clock.nowMs() - 29_000);
  assert.equal(await lifecycle.sweep(), 1);
  assert.deepEqual([...vcenter.vms.keys()].sort(), [pod.metadata.uid, "too-young"].sort());
  // The pod names another VM than the one it owns.
  vcenter.vms.get(pod.metadata.uid)!.config!.uuid = "502d-9";
  await eventually("swept", async () => (await lifecycle.sweep()) === 1);
  assert.equal(vcenter.vms.has(pod.metadata.uid), false);
});

test("the sweep lets a VM be while vCenter does not reach its host, and takes it when it does", async () => {
  const { vcenter, start, clock } = await lifecyclePeers();
  const lifecycle = await start();
  const vm = vcenter.addVm("nobody", HOST, "502d-1", clock.nowMs() - 60_000);
  vm.connectionState = VirtualMachineConnectionState.DISCONNECTED;
  assert.equal(await lifecycle.sweep(), 0);
  assert.equal(vcenter.count("DestroyVm"), 0);
  vm.connectionState = VirtualMachineConnectionState.CONNECTED;
  assert.equal(await lifecycle.sweep(), 1);
  assert.equal(vcenter.vms.has("nobody"), false);
});

test("addresses are unique, survive a restart, come back with the pod and run out with a word", async () => {
  const { cluster, start, stored } = await lifecyclePeers({ podCidr: "10.9.0.0/29" });
  const first = await start();
  const ipOf = (name: string): string | undefined => stored(name)?.metadata.annotations?.["spheresim.dev/pod-ip"];
  for (const name of ["a", "b", "c"]) {
    await cluster.create(podType, draft(name));
    await eventually(name, () => ipOf(name));
  }
  await first.close();
  await start();
  for (const name of ["d", "e"]) {
    await cluster.create(podType, draft(name));
    await eventually(name, () => ipOf(name));
  }
  assert.deepEqual(["a", "b", "c", "d", "e"].map(ipOf), ["10.9.0.2/29", "10.9.0.3/29", "10.9.0.4/29", "10.9.0.5/29", "10.9.0.6/29"]);
  await cluster.create(podType, draft("f"));
  await eventually("refused", () => cluster.calls.some((call) => call.verb === "create" && call.path.includes("/events/") && JSON.stringify(call.body).includes("FailedRealizeNSXResource")));
  assert.equal(ipOf("f"), undefined);
  await cluster.delete(podType, { namespace: "default", name: "b" });
  await eventually("freed", () => ipOf("f"));
  assert.equal(ipOf("f"), "10.9.0.3/29");
});
