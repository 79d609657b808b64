import assert from "node:assert/strict";
import { test } from "node:test";
import { VirtualMachinePowerState } from "../../src/gen/spheresim/vim/v1/virtual_machine.js";
import type { Pod, PodStatus } from "../../src/kubernetes/pod.js";
import { pods as podType } from "../../src/kubernetes/resource-type.js";
import { lifecycleFinalizer, podVmAnnotations } from "../../src/kubernetes/vsphere-pod.js";
import { eventually, settled } from "../support/eventually.js";
import { HOST, lifecyclePeers } from "./world.js";

async function worldWithPod() {
  const peers = await lifecyclePeers();
  const { cluster, vcenter, clock } = peers;
  await peers.start();
  const pod = await cluster.create(podType, {
    metadata: { namespace: "default", name: "web", annotations: { [podVmAnnotations.vmUuid]: "502d-1" }, finalizers: [lifecycleFinalizer] },
    spec: { containers: [{ name: "web", image: "nginx:1.27" }], nodeName: HOST, terminationGracePeriodSeconds: 10 },
  });
  const vm = vcenter.addVm(pod.metadata.uid, HOST, "502d-1", clock.nowMs());
  vm.powerState = VirtualMachinePowerState.POWERED_ON;
  const write = (status: Partial<PodStatus>): Promise<Pod> => cluster.patch(podType, { namespace: "default", name: "web" }, { type: "merge", body: { status } }, { subresource: "status" });
  return { ...peers, vm, write };
}

test("the VM of a pod that has ended is powered off, once; pod and VM stay until the pod is deleted", async () => {
  const { cluster, vcenter, start, stored, write, vm } = await worldWithPod();
  await write({ phase: "Running" });
  await settled();
  assert.equal(vcenter.count("PowerOffVm"), 0);
  const ended = await write({ phase: "Succeeded" });
  await eventually("off", () => vm.powerState === VirtualMachinePowerState.POWERED_OFF);
  // A new process asks again, and finds it off.
  const asked = vcenter.count("PowerOffVm");
  await start();
  await eventually("asked again", () => vcenter.count("PowerOffVm") > asked);
  assert.deepEqual([stored()?.metadata.resourceVersion, stored()?.metadata.finalizers, vcenter.vms.size], [ended.metadata.resourceVersion, [lifecycleFinalizer], 1]);
  await cluster.delete(podType, { namespace: "default", name: "web" }, { gracePeriodSeconds: 0 });
  await eventually("gone", () => stored() === undefined);
  assert.equal(vcenter.vms.size, 0);
});

test("containers that still run when somebody else writes the end have their grace before the VM is off", async () => {
  const { clock, vcenter, write, vm } = await worldWithPod();
  await write({ phase: "Failed", reason: "Evicted", containerStatuses: [{ name: "web", state: { running: { startedAt: "2026-01-01T00:00:00Z" } }, ready: true, restartCount: 0, image: "nginx:1.27", imageID: "" }] });
  await settled();
  assert.equal(vcenter.count("PowerOffVm"), 0);
  await clock.advance(15_000);
  await eventually("off", () => vm.powerState === VirtualMachinePowerState.POWERED_OFF);
});

test("a pod that has ended without a VM id leaves no VM: the sweep destroys what was made for it", async () => {
  const { cluster, vcenter, start, clock } = await lifecyclePeers();
  const lifecycle = await start();
  const pod = await cluster.create(podType, { metadata: { namespace: "default", name: "rejected" }, spec: { containers: [{ name: "web", image: "nginx:1.27" }], nodeName: HOST } });
  vcenter.addVm(pod.metadata.uid, HOST, "502d-1", clock.nowMs() - 60_000);
  assert.equal(await lifecycle.sweep(), 0, "its VM may be on its way");
  await cluster.patch(podType, { namespace: "default", name: "rejected" }, { type: "merge", body: { status: { phase: "Failed", reason: "OutOfcpu" } } }, { subresource: "status" });
  await eventually("swept", async () => (await lifecycle.sweep()) === 1);
});
