import { moref } from "../moref.js";
import { VimFault } from "../vim-fault.js";
import { type Amount, minus, type Resource, RESOURCES } from "./amount.js";
import type { HostCandidate } from "./host-candidate.js";
import type { PoolShortage } from "./pool-tree.js";
import type { VmShape } from "./vm-shape.js";

/** One question of the tree: the fault that rules the host out, or undefined. */
type Question = (vm: VmShape, host: HostCandidate) => VimFault | undefined;

/**
 * Step 4's decision tree, in the article's order: VM resource entitlement, host state, host compatibility. The first question that
 * rules a host out gives its verdict. What passes all of them is ranked by current use (host-score.ts).
 */
const QUESTIONS: readonly Question[] = [hostEntitlement, connection, power, maintenance, quarantine, cpuCount, memorySize, datastores, networks];

/** Why the host cannot run the VM; undefined when it can. */
export function ruledOut(vm: VmShape, host: HostCandidate): VimFault | undefined {
  for (const question of QUESTIONS) {
    const fault = question(vm, host);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

/** The fault of a pool that cannot take a reservation. */
export function poolFault(pool: string, shortage: PoolShortage): VimFault {
  const value = { unreserved: Math.floor(shortage.unreserved), requested: Math.ceil(shortage.requested), host: undefined };
  const what = shortage.resource === "cpuMhz" ? "CPU" : "Memory";
  const unit = shortage.resource === "cpuMhz" ? "MHz" : "MB";
  const message = `The available ${what} resources in the parent resource pool are insufficient for the operation: ${pool} has ${value.unreserved} ${unit} unreserved, ${value.requested} ${unit} are asked for.`;
  return new VimFault(message, { $case: shortage.resource === "cpuMhz" ? "insufficientCpuResourcesFault" : "insufficientMemoryResourcesFault", value });
}

/** Reservation and overhead must be unreserved on the host. */
function hostEntitlement(vm: VmShape, host: HostCandidate): VimFault | undefined {
  return hostShortage(vm.reserved, host);
}

/** The fault of a host that has less unreserved than `amount`. */
export function hostShortage(amount: Amount, host: HostCandidate): VimFault | undefined {
  const free = minus(host.account.capacity, host.account.reserved);
  const resource = RESOURCES.find((each) => amount[each] > 0 && amount[each] > free[each]);
  return resource === undefined ? undefined : hostFault(host, resource, free[resource], amount[resource]);
}

function hostFault(host: HostCandidate, resource: Resource, free: number, wanted: number): VimFault {
  const value = { unreserved: Math.max(0, Math.floor(free)), requested: Math.ceil(wanted), host: moref("HostSystem", host.moid) };
  const isCpu = resource === "cpuMhz";
  const unit = isCpu ? "MHz" : "MB";
  const message = `The host does not have sufficient ${isCpu ? "CPU" : "memory"} resources to satisfy the reservation: ${host.name} has ${value.unreserved} ${unit} unreserved, ${value.requested} ${unit} are asked for.`;
  return new VimFault(message, { $case: isCpu ? "insufficientHostCpuCapacityFault" : "insufficientHostMemoryCapacityFault", value });
}

function connection(_vm: VmShape, host: HostCandidate): VimFault | undefined {
  if (host.reach === "connected") return undefined;
  return host.reach === "disconnected" ? VimFault.hostNotConnected(host.name) : VimFault.hostNotReachable(host.name, "it does not respond.");
}

function power(_vm: VmShape, host: HostCandidate): VimFault | undefined {
  return host.poweredOn ? undefined : VimFault.invalidPowerState("poweredOn", "poweredOff");
}

function maintenance(_vm: VmShape, host: HostCandidate): VimFault | undefined {
  return host.inMaintenanceMode ? VimFault.invalidState(`The host ${host.name} is in maintenance mode.`) : undefined;
}

function quarantine(_vm: VmShape, host: HostCandidate): VimFault | undefined {
  return host.inQuarantineMode ? VimFault.invalidState(`The host ${host.name} is in quarantine mode.`) : undefined;
}

function cpuCount(vm: VmShape, host: HostCandidate): VimFault | undefined {
  if (vm.numCpus <= host.cores) return undefined;
  const message = `The host ${host.name} has ${host.cores} logical CPUs, the virtual machine needs ${vm.numCpus}.`;
  return new VimFault(message, { $case: "notEnoughCpus", value: { numCpuDest: host.cores, numCpuVm: vm.numCpus } });
}

function memorySize(vm: VmShape, host: HostCandidate): VimFault | undefined {
  const mostMb = host.memoryMb - vm.overheadMemoryMb;
  if (vm.memoryMb <= mostMb) return undefined;
  const message = `The host ${host.name} supports at most ${mostMb} MB for a virtual machine with ${vm.overheadMemoryMb} MB of overhead, it is configured with ${vm.memoryMb} MB.`;
  return new VimFault(message, { $case: "memorySizeNotSupported", value: { memorySizeMb: vm.memoryMb, minMemorySizeMb: 4, maxMemorySizeMb: mostMb } });
}

function datastores(vm: VmShape, host: HostCandidate): VimFault | undefined {
  const missing = vm.datastores.find((name) => !host.datastores.has(name));
  if (missing === undefined) return undefined;
  return new VimFault(`The host ${host.name} cannot access datastore "${missing}".`, { $case: "cannotAccessDatastore", value: { datastore: missing } });
}

function networks(vm: VmShape, host: HostCandidate): VimFault | undefined {
  const missing = vm.networks.find((name) => !host.networks.has(name));
  if (missing === undefined) return undefined;
  return new VimFault(`The host ${host.name} does not have network "${missing}".`, { $case: "cannotAccessNetwork", value: { network: missing } });
}
