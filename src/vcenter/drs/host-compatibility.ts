import { MIN_MEMORY_MB } from "../spec-limits.js";
import type { Question } from "./host-question.js";
import type { HostTable } from "./host-table.js";
import type { VmToPlace } from "./vm-to-place.js";

/** The host has a logical CPU for each virtual one. */
export const cpuCount: Question = {
  passes: (vm, hosts, row) => vm.shape.numCpus <= hosts.cores(row),
  fault: (vm, hosts, row) => ({
    localizedMessage: `The host ${hosts.name(row)} has ${hosts.cores(row)} logical CPUs, the virtual machine needs ${vm.shape.numCpus}.`,
    fault: { $case: "notEnoughCpus", value: { numCpuDest: hosts.cores(row), numCpuVm: vm.shape.numCpus } },
  }),
  wouldFitIf: (vm, hosts, row) => `${vm.shape.numCpus - hosts.cores(row)} more logical CPUs on ${hosts.name(row)}, or at most ${hosts.cores(row)} vCPUs`,
};

/** The host has the memory the VM is configured with, and its overhead. */
export const memorySize: Question = {
  passes: (vm, hosts, row) => vm.shape.memoryMb <= mostMb(vm, hosts, row),
  fault: (vm, hosts, row) => {
    const { memoryMb, overheadMemoryMb } = vm.shape;
    return {
      localizedMessage: `The host ${hosts.name(row)} supports at most ${mostMb(vm, hosts, row)} MB for a virtual machine with ${overheadMemoryMb} MB of overhead, it is configured with ${memoryMb} MB.`,
      fault: { $case: "memorySizeNotSupported", value: { memorySizeMb: memoryMb, minMemorySizeMb: MIN_MEMORY_MB, maxMemorySizeMb: mostMb(vm, hosts, row) } },
    };
  },
  wouldFitIf: (vm, hosts, row) => `${vm.shape.memoryMb - mostMb(vm, hosts, row)} MB more physical memory on ${hosts.name(row)}, or a VM of at most ${Math.max(0, mostMb(vm, hosts, row))} MB`,
};

/** The host mounts every datastore the VM's disks lie on. */
export const datastores: Question = {
  passes: (vm, hosts, row) => missing(vm.shape.datastores, hosts.offer(row).datastores) === undefined,
  fault: (vm, hosts, row) => {
    const datastore = missing(vm.shape.datastores, hosts.offer(row).datastores) ?? "";
    return { localizedMessage: `The host ${hosts.name(row)} cannot access datastore "${datastore}".`, fault: { $case: "cannotAccessDatastore", value: { datastore } } };
  },
  wouldFitIf: (vm, hosts, row) => `${listed("datastore", vm.shape.datastores, hosts.offer(row).datastores)} mounted on ${hosts.name(row)}`,
};

/** The host has every network the VM's cards are on. */
export const networks: Question = {
  passes: (vm, hosts, row) => missing(vm.shape.networks, hosts.offer(row).networks) === undefined,
  fault: (vm, hosts, row) => {
    const network = missing(vm.shape.networks, hosts.offer(row).networks) ?? "";
    return { localizedMessage: `The host ${hosts.name(row)} does not have network "${network}".`, fault: { $case: "cannotAccessNetwork", value: { network } } };
  },
  wouldFitIf: (vm, hosts, row) => `${listed("network", vm.shape.networks, hosts.offer(row).networks)} on ${hosts.name(row)}`,
};

/** The most memory a VM with this overhead can have on the host, MB. */
function mostMb(vm: VmToPlace, hosts: HostTable, row: number): number {
  return hosts.capacity(row, "memoryMb") - vm.shape.overheadMemoryMb;
}

function missing(wanted: readonly string[], there: ReadonlySet<string>): string | undefined {
  for (const name of wanted) if (!there.has(name)) return name;
  return undefined;
}

function listed(kind: string, wanted: readonly string[], there: ReadonlySet<string>): string {
  const names = wanted.filter((name) => !there.has(name)).map((name) => `"${name}"`);
  return `${kind}${names.length > 1 ? "s" : ""} ${names.join(", ")}`;
}
