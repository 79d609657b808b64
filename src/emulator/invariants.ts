import type { Inventory, VirtualMachine } from "../gen/spheresim/vcenter/v1/inventory.js";
import { VirtualMachinePowerState } from "../gen/spheresim/vim/v1/virtual_machine.js";
import type { Violation } from "../gen/spheresim/emulator/v1/emulator.js";
import type { Pod } from "../kubernetes/pod.js";
import { vmUuidAnnotation } from "./pod-outcome.js";

/**
 * Compares what Kubernetes and vSphere say of the same world at one moment (design: a VM belongs to a pod from the moment the pod
 * carries its uuid). Clean is an empty answer.
 */
export function findViolations(pods: readonly Pod[], inventory: Inventory): Violation[] {
  return [...vmViolations(pods, inventory), ...podViolations(pods, inventory), ...hostViolations(inventory), ...holdViolations(pods, inventory)];
}

function vmViolations(pods: readonly Pod[], inventory: Inventory): Violation[] {
  const violations: Violation[] = [];
  const podOf = new Map(pods.map((pod) => [pod.metadata.uid, pod]));
  const vmsOf = new Map<string, string[]>();
  for (const vm of inventory.virtualMachines) {
    if (vm.ownerUid === "") continue;
    const name = vm.ref?.value ?? "";
    vmsOf.set(vm.ownerUid, [...(vmsOf.get(vm.ownerUid) ?? []), name]);
    const pod = podOf.get(vm.ownerUid);
    const committed = pod?.metadata.annotations?.[vmUuidAnnotation];
    if (pod === undefined) {
      violations.push({ kind: "OrphanVm", subject: name, message: `VM ${name} belongs to pod ${vm.ownerUid}, which does not exist` });
    } else if (committed !== undefined && committed !== vm.config?.uuid) {
      violations.push({ kind: "OrphanVm", subject: name, message: `VM ${name} has uuid ${vm.config?.uuid}, but its pod ${podName(pod)} names ${committed}` });
    } else if (committed !== undefined && pod.spec.nodeName !== vm.hostName) {
      violations.push({ kind: "NodeMismatch", subject: podName(pod), message: `pod ${podName(pod)} is on node ${pod.spec.nodeName}, its VM ${name} on host ${vm.hostName}` });
    }
  }
  for (const [owner, names] of vmsOf) {
    if (names.length > 1) violations.push({ kind: "DoubleVm", subject: owner, message: `pod ${owner} has ${names.length} VMs: ${names.join(", ")}` });
  }
  return violations;
}

function podViolations(pods: readonly Pod[], inventory: Inventory): Violation[] {
  const uuids = new Map(inventory.virtualMachines.map((vm) => [vm.config?.uuid ?? "", vm]));
  const violations: Violation[] = [];
  for (const pod of pods) {
    const uuid = pod.metadata.annotations?.[vmUuidAnnotation];
    if (uuid === undefined || pod.metadata.deletionTimestamp !== undefined) continue;
    const vm = uuids.get(uuid);
    if (vm === undefined) violations.push({ kind: "MissingVm", subject: podName(pod), message: `pod ${podName(pod)} names VM ${uuid}, which vCenter does not have` });
    else if (pod.status?.phase === "Running" && vm.powerState !== VirtualMachinePowerState.POWERED_ON) {
      violations.push({ kind: "MissingVm", subject: podName(pod), message: `pod ${podName(pod)} is Running, its VM ${vm.ref?.value} is not powered on` });
    }
  }
  return violations;
}

function hostViolations(inventory: Inventory): Violation[] {
  const violations: Violation[] = [];
  for (const host of inventory.hosts) {
    const name = host.spec?.name ?? "";
    const vms = inventory.virtualMachines.filter((vm) => vm.hostName === name);
    const running = vms.filter((vm) => vm.powerState === VirtualMachinePowerState.POWERED_ON);
    const cpuMhz = sum(running.map(reservedCpuMhz));
    const memoryMb = sum(running.map(reservedMemoryMb));
    const capacityMhz = (host.spec?.numCpuCores ?? 0) * (host.spec?.cpuMhz ?? 0);
    if (cpuMhz > capacityMhz || memoryMb > (host.spec?.memoryMb ?? 0)) {
      violations.push({ kind: "OvercommittedHost", subject: name, message: `host ${name} has ${cpuMhz} MHz and ${memoryMb} MB reserved of ${capacityMhz} MHz and ${host.spec?.memoryMb} MB` });
    }
    // A VM that is off may be on its way on, and claims what it will have.
    const holds = inventory.holds.filter((hold) => hold.hostName === name);
    const restMhz = (host.usage?.reservedCpuMhz ?? 0) - sum(vms.map(reservedCpuMhz)) - sum(holds.map((hold) => hold.reservedCpuMhz));
    const restMb = (host.usage?.reservedMemoryMb ?? 0) - sum(vms.map(reservedMemoryMb)) - sum(holds.map((hold) => hold.reservedMemoryMb));
    if (restMhz > 0 || restMb > 0) {
      violations.push({ kind: "LeakedHold", subject: name, message: `host ${name} has ${Math.max(0, restMhz)} MHz and ${Math.max(0, restMb)} MB reserved by no VM and no hold` });
    }
  }
  return violations;
}

/** A pod's hold is for its VM to come; any other keeps capacity from those who could use it. One without an owner ends by itself, and nobody can say when it should have. */
function holdViolations(pods: readonly Pod[], inventory: Inventory): Violation[] {
  const waiting = new Set(pods.filter(isWithoutVm).map((pod) => pod.metadata.uid));
  return inventory.holds
    .filter(({ ownerUid }) => ownerUid !== "" && !waiting.has(ownerUid))
    .map(({ ownerUid, hostName, reservedCpuMhz: mhz, reservedMemoryMb: mb }) => ({
      kind: "LeakedHold",
      subject: hostName,
      message: `host ${hostName} holds ${mhz} MHz and ${mb} MB for pod ${ownerUid}, which waits for no VM`,
    }));
}

function isWithoutVm(pod: Pod): boolean {
  const ended = pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed";
  return pod.metadata.deletionTimestamp === undefined && !ended && pod.metadata.annotations?.[vmUuidAnnotation] === undefined;
}

function reservedCpuMhz(vm: VirtualMachine): number {
  return vm.config?.cpuAllocation?.reservation ?? 0;
}

function reservedMemoryMb(vm: VirtualMachine): number {
  return (vm.config?.memoryAllocation?.reservation ?? 0) + (vm.config?.overheadMemoryMb ?? 0);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}

function podName(pod: Pod): string {
  return `${pod.metadata.namespace}/${pod.metadata.name}`;
}
