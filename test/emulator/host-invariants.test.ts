import assert from "node:assert/strict";
import { test } from "node:test";
import { findHostViolations } from "../../src/emulator/host-invariants.js";
import { HostVm, VmPhase } from "../../src/gen/spheresim/hostd/v1/host.js";
import { Inventory } from "../../src/gen/spheresim/vcenter/v1/inventory.js";
import { VirtualMachinePowerState } from "../../src/gen/spheresim/vim/v1/virtual_machine.js";
import type { Pod } from "../../src/kubernetes/pod.js";

const pod = (uid: string, node: string, vm: string): Pod => ({
  metadata: { name: uid, namespace: "default", uid, resourceVersion: "1", creationTimestamp: "", annotations: { "vmware-system-vm-uuid": vm } },
  spec: { containers: [], nodeName: node },
  status: { phase: "Running" },
});

/** A VM on a host; with `pod` its containers run there. */
const body = (hostName: string, uuid: string, fields: { pod?: string; on?: boolean; phase?: VmPhase } = {}): HostVm =>
  HostVm.fromPartial({
    hostName,
    config: { name: uuid, uuid, instanceUuid: `instance-${uuid}` },
    powerState: fields.on === false ? VirtualMachinePowerState.POWERED_OFF : VirtualMachinePowerState.POWERED_ON,
    phase: fields.phase ?? VmPhase.AGENT_READY,
    ...(fields.pod === undefined ? {} : { personality: { podUid: fields.pod } }),
  });

const recorded = (...vms: readonly (readonly [host: string, uuid: string])[]): Inventory =>
  Inventory.fromPartial({ virtualMachines: vms.map(([hostName, uuid]) => ({ hostName, config: { uuid, instanceUuid: `instance-${uuid}` } })) });

const kinds = (pods: Pod[], inventory: Inventory, vms: HostVm[]): string[] => findHostViolations(pods, inventory, vms).map(({ kind, subject }) => `${kind} ${subject}`);

test("pods whose VMs run where they are bound are well, and so is an ordinary VM", () =>
  assert.deepEqual(kinds([pod("p", "a", "1"), pod("q", "b", "2")], recorded(["a", "1"], ["b", "2"], ["b", "3"]), [body("a", "1", { pod: "p" }), body("b", "2", { pod: "q" }), body("b", "3")]), []));

test("the worked example: what a cut-off host still runs for a pod that was force-deleted is stray", () =>
  assert.deepEqual(kinds([pod("q", "b", "2")], recorded(["a", "1"], ["b", "2"]), [body("a", "1", { pod: "p" }), body("b", "2", { pod: "q" })]), ["StrayContainer a/1"]));

test("a pod with containers in two VMs runs twice, and one of them is stray", () =>
  assert.deepEqual(kinds([pod("p", "b", "2")], recorded(["a", "1"], ["b", "2"]), [body("a", "1", { pod: "p" }), body("b", "2", { pod: "p" })]), ["RunsTwice p", "StrayContainer a/1"]));

test("a VM that is on on two hosts runs twice; one that is off on the second does not", () => {
  assert.deepEqual(kinds([], recorded(["b", "3"]), [body("a", "3"), body("b", "3")]), ["RunsTwice instance-3", "UnknownVm a/instance-3"]);
  assert.deepEqual(kinds([], recorded(["b", "3"]), [body("a", "3", { on: false }), body("b", "3")]), ["UnknownVm a/instance-3"]);
});

test("a VM that vCenter does not have is unknown, also while it is off", () => assert.deepEqual(kinds([], recorded(), [body("a", "9", { on: false })]), ["UnknownVm a/instance-9"]));

test("containers of a pod that was bound elsewhere, or names another VM, are stray", () => {
  assert.deepEqual(kinds([pod("p", "b", "1")], recorded(["a", "1"]), [body("a", "1", { pod: "p" })]), ["StrayContainer a/1"]);
  assert.deepEqual(kinds([pod("p", "a", "2")], recorded(["a", "1"]), [body("a", "1", { pod: "p" })]), ["StrayContainer a/1"]);
});

test("a VM that still waits for its personality has no containers to be stray", () =>
  assert.deepEqual(kinds([], recorded(["a", "1"]), [body("a", "1", { phase: VmPhase.INIT_WAITING })]), []));
