import type { Inventory } from "../gen/spheresim/vcenter/v1/inventory.js";
import { VirtualMachinePowerState } from "../gen/spheresim/vim/v1/virtual_machine.js";
import type { Violation } from "../gen/spheresim/emulator/v1/emulator.js";
import type { Pod } from "../kubernetes/pod.js";
import { vmUuidAnnotation } from "./pod-outcome.js";

/**
 * Compares what Kubernetes and vSphere say of the same world at one moment (design: a VM belongs to a pod from the moment the pod
 * carries its uuid). Clean is an empty answer.
 */
export function findViolations(pods: readonly Pod[], inventory: Inventory): Violation[] {
  return [...vmViolations(pods, inventory), ...podViolations(pods, inventory), ...hostViolations(inventory, pods)];
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

function hostViolations(inventory: Inventory, pods: readonly Pod[]): Violation[] {
  const violations: Violation[] = [];
  const unbound = pods.some((pod) => pod.spec.nodeName === undefined && pod.metadata.deletionTimestamp === undefined);
  for (const host of inventory.hosts) {
    const name = host.spec?.name ?? "";
    const on = inventory.virtualMachines.filter((vm) => vm.hostName === name && vm.powerState === VirtualMachinePowerState.POWERED_ON);
    const cpuMhz = sum(on.map((vm) => vm.config?.cpuAllocation?.reservation ?? 0));
    const memoryMb = sum(on.map((vm) => (vm.config?.memoryAllocation?.reservation ?? 0) + (vm.config?.overheadMemoryMb ?? 0)));
    const capacityMhz = (host.spec?.numCpuCores ?? 0) * (host.spec?.cpuMhz ?? 0);
    if (cpuMhz > capacityMhz || memoryMb > (host.spec?.memoryMb ?? 0)) {
      violations.push({ kind: "OvercommittedHost", subject: name, message: `host ${name} has ${cpuMhz} MHz and ${memoryMb} MB reserved of ${capacityMhz} MHz and ${host.spec?.memoryMb} MB` });
    }
    const heldMhz = (host.usage?.reservedCpuMhz ?? 0) - cpuMhz;
    const heldMb = (host.usage?.reservedMemoryMb ?? 0) - memoryMb;
    // Holds of pods that are being placed are no leak.
    if (!unbound && (heldMhz > 0 || heldMb > 0)) {
      violations.push({ kind: "LeakedHold", subject: name, message: `host ${name} holds ${heldMhz} MHz and ${heldMb} MB for nobody` });
    }
  }
  return violations;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}

function podName(pod: Pod): string {
  return `${pod.metadata.namespace}/${pod.metadata.name}`;
}
