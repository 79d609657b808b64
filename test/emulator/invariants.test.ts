import assert from "node:assert/strict";
import { test } from "node:test";
import { findViolations } from "../../src/emulator/invariants.js";
import { Host, Inventory, PlacementHold, VirtualMachine } from "../../src/gen/spheresim/vcenter/v1/inventory.js";
import { VirtualMachinePowerState } from "../../src/gen/spheresim/vim/v1/virtual_machine.js";
import type { Pod, PodPhase } from "../../src/kubernetes/pod.js";

const host = (reservedCpuMhz = 1000): Host => Host.fromPartial({ ref: { value: "host-1" }, spec: { name: "esxi-01", numCpuCores: 2, cpuMhz: 1000, memoryMb: 4096 }, usage: { reservedCpuMhz, reservedMemoryMb: 512 } });

const vm = (fields: { moid?: string; owner?: string; uuid?: string; hostName?: string; on?: boolean; mhz?: number } = {}): VirtualMachine =>
  VirtualMachine.fromPartial({
    ref: { value: fields.moid ?? "vm-1" },
    ownerUid: fields.owner ?? "uid-1",
    hostName: fields.hostName ?? "esxi-01",
    powerState: fields.on === false ? VirtualMachinePowerState.POWERED_OFF : VirtualMachinePowerState.POWERED_ON,
    config: { uuid: fields.uuid ?? "uuid-1", cpuAllocation: { reservation: fields.mhz ?? 1000 }, memoryAllocation: { reservation: 512 } },
  });

const pod = (fields: { uid?: string; vm?: string; node?: string } = {}): Pod => ({
  metadata: { name: "web", namespace: "default", uid: fields.uid ?? "uid-1", resourceVersion: "1", creationTimestamp: "", annotations: { "vmware-system-vm-uuid": fields.vm ?? "uuid-1" } },
  spec: { containers: [], nodeName: fields.node ?? "esxi-01" },
  status: { phase: "Running" },
});

/** A pod that is still to get its VM. */
const waitingPod = (fields: { uid?: string; node?: string; deleted?: boolean; phase?: PodPhase } = {}): Pod => ({
  metadata: { name: "new", namespace: "default", uid: fields.uid ?? "uid-2", resourceVersion: "1", creationTimestamp: "", ...(fields.deleted === true ? { deletionTimestamp: "now" } : {}) },
  spec: { containers: [], ...(fields.node === undefined ? {} : { nodeName: fields.node }) },
  status: { phase: fields.phase ?? "Pending" },
});

const hold = (ownerUid: string): PlacementHold => PlacementHold.fromPartial({ key: "1.1", ownerUid, hostName: "esxi-01", reservedCpuMhz: 500, reservedMemoryMb: 0 });

const kinds = (pods: Pod[], vms: VirtualMachine[], hosts = [host()], holds: PlacementHold[] = []): string[] =>
  findViolations(pods, Inventory.fromPartial({ hosts, virtualMachines: vms, holds })).map((each) => each.kind);

test("both planes agreeing is clean", () => assert.deepEqual(kinds([pod()], [vm()]), []));
test("a VM of no pod is an orphan", () => assert.deepEqual(kinds([], [vm()]), ["OrphanVm"]));
test("a VM the pod does not name is an orphan, and the pod's own is missing", () => assert.deepEqual(kinds([pod({ vm: "other" })], [vm()]), ["OrphanVm", "MissingVm"]));
test("two VMs of one pod are double", () => assert.deepEqual(kinds([pod()], [vm(), vm({ moid: "vm-2", uuid: "uuid-2", mhz: 0 })]).sort(), ["DoubleVm", "OrphanVm", ]));
test("a pod on another node than its VM's host", () => assert.deepEqual(kinds([pod({ node: "esxi-02" })], [vm()]), ["NodeMismatch"]));
test("a running pod whose VM is off", () => assert.deepEqual(kinds([pod()], [vm({ on: false })], [host(0)]).includes("MissingVm"), true));
test("more reserved than a host has", () => assert.deepEqual(kinds([pod()], [vm({ mhz: 3000 })], [host(3000)]), ["OvercommittedHost"]));
test("capacity held for nobody", () => assert.deepEqual(kinds([pod()], [vm()], [host(1500)]), ["LeakedHold"]));

test("the hold of a pod that is still to get its VM is none, bound or not", () => {
  assert.deepEqual(kinds([pod(), waitingPod()], [vm()], [host(1500)], [hold("uid-2")]), []);
  assert.deepEqual(kinds([pod(), waitingPod({ node: "esxi-01" })], [vm()], [host(1500)], [hold("uid-2")]), []);
});

for (const [what, owner, others] of [
  ["a pod that is gone", "uid-9", []],
  ["a pod that is being deleted", "uid-9", [waitingPod({ uid: "uid-9", deleted: true })]],
  ["a pod that failed", "uid-9", [waitingPod({ uid: "uid-9", phase: "Failed" })]],
  ["a pod that has its VM", "uid-1", []],
] as const) {
  test(`a hold for ${what} is a leak, also while another pod is being placed`, () => assert.deepEqual(kinds([pod(), waitingPod(), ...others], [vm()], [host(1500)], [hold(owner)]), ["LeakedHold"]));
}

test("a hold without an owner is its caller's, until it ends", () => assert.deepEqual(kinds([pod()], [vm()], [host(1500)], [hold("")]), []));

test("capacity that neither a VM nor a hold accounts for is a leak, also while a pod is being placed", () =>
  assert.deepEqual(kinds([pod(), waitingPod()], [vm()], [host(2000)], [hold("uid-2")]), ["LeakedHold"]));

test("a VM on its way on may have its claim already", () => assert.deepEqual(kinds([pod(), waitingPod()], [vm(), vm({ moid: "vm-2", owner: "uid-2", uuid: "uuid-2", on: false, mhz: 500 })], [{ ...host(1500), usage: { ...host(1500).usage!, reservedMemoryMb: 1024 } }]), []));
