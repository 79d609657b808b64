import { type HostVm, VmPhase } from "../gen/spheresim/hostd/v1/host.js";
import type { Violation } from "../gen/spheresim/emulator/v1/emulator.js";
import type { Inventory } from "../gen/spheresim/vcenter/v1/inventory.js";
import { VirtualMachinePowerState } from "../gen/spheresim/vim/v1/virtual_machine.js";
import type { Pod } from "../kubernetes/pod.js";
import { vmUuidAnnotation } from "./pod-outcome.js";

/**
 * What the hosts themselves have, beside what API server and vCenter believe: nothing may run twice, nor for a pod that is no more, nor unknown to
 * vCenter. A VM on its way from host to host, and one that is being taken off, look wrong for a moment; the caller looks again.
 *
 * Worked example: pod p was on host a when its cable was pulled, was force-deleted, and its successor q runs on b. When a is back, the VM of p
 * there is a StrayContainer until it is destroyed; were it to run for q, q would run twice.
 *
 * @param vms of every host that answered
 */
export function findHostViolations(pods: readonly Pod[], inventory: Inventory, vms: readonly HostVm[]): Violation[] {
  return [...doubles(vms), ...strays(pods, vms), ...unknown(inventory, vms)];
}

function doubles(vms: readonly HostVm[]): Violation[] {
  const on = vms.filter(({ powerState }) => powerState === VirtualMachinePowerState.POWERED_ON);
  const violations: Violation[] = [];
  for (const [uuid, twins] of grouped(on, ({ config }) => config?.instanceUuid ?? "")) {
    if (twins.length > 1) violations.push({ kind: "RunsTwice", subject: uuid, message: `VM ${uuid} is powered on on ${twins.length} hosts: ${hostsOf(twins)}` });
  }
  for (const [uid, bodies] of grouped(vms.filter(hasContainers), ({ personality }) => personality?.podUid ?? "")) {
    const instances = new Set(bodies.map(({ config }) => config?.instanceUuid));
    if (instances.size > 1) violations.push({ kind: "RunsTwice", subject: uid, message: `pod ${uid} runs in ${instances.size} VMs, on ${hostsOf(bodies)}` });
  }
  return violations;
}

function strays(pods: readonly Pod[], vms: readonly HostVm[]): Violation[] {
  const podOf = new Map(pods.map((pod) => [pod.metadata.uid, pod]));
  return vms.filter(hasContainers).flatMap((vm) => {
    const uid = vm.personality?.podUid ?? "";
    const why = strayReason(podOf.get(uid), vm);
    return why === undefined ? [] : [{ kind: "StrayContainer", subject: `${vm.hostName}/${vm.config?.uuid ?? ""}`, message: `host ${vm.hostName} runs containers of pod ${uid} in VM ${vm.config?.uuid ?? ""}, but ${why}` }];
  });
}

function strayReason(pod: Pod | undefined, { hostName, config }: HostVm): string | undefined {
  if (pod === undefined) return "there is no such pod";
  if (pod.spec.nodeName !== hostName) return `it is bound to ${pod.spec.nodeName ?? "no node"}`;
  const named = pod.metadata.annotations?.[vmUuidAnnotation];
  return named === config?.uuid ? undefined : `it names VM ${named ?? "none"}`;
}

function unknown(inventory: Inventory, vms: readonly HostVm[]): Violation[] {
  const recorded = new Map(inventory.virtualMachines.map((vm) => [vm.config?.instanceUuid ?? "", vm.hostName]));
  return vms.flatMap(({ hostName, config }) => {
    const uuid = config?.instanceUuid ?? "";
    const there = recorded.get(uuid);
    if (there === hostName) return [];
    const vcenter = there === undefined ? "does not have it" : `has it on ${there}`;
    return [{ kind: "UnknownVm", subject: `${hostName}/${uuid}`, message: `host ${hostName} has VM ${config?.name ?? ""} (${uuid}), vCenter ${vcenter}` }];
  });
}

/** Its agent has, or is about to have, containers. */
function hasContainers({ powerState, phase, personality }: HostVm): boolean {
  return powerState === VirtualMachinePowerState.POWERED_ON && personality !== undefined && (phase === VmPhase.PERSONALITY || phase === VmPhase.AGENT_READY);
}

function hostsOf(vms: readonly HostVm[]): string {
  return vms.map(({ hostName }) => hostName).join(", ");
}

function grouped(vms: readonly HostVm[], keyOf: (vm: HostVm) => string): ReadonlyMap<string, readonly HostVm[]> {
  const groups = new Map<string, HostVm[]>();
  for (const vm of vms) {
    const group = groups.get(keyOf(vm));
    if (group === undefined) groups.set(keyOf(vm), [vm]);
    else group.push(vm);
  }
  return groups;
}
