import type { MethodFault } from "../../gen/spheresim/vim/v1/fault.js";
import { type Amount, type Resource, RESOURCES } from "./amount.js";
import type { Question } from "./host-question.js";
import type { HostTable } from "./host-table.js";

/** Host admission: reservation and overhead must be unreserved on the host. One question a resource. */
export function hostAdmission(resource: Resource): Question {
  return {
    passes: (vm, hosts, row) => vm.shape.reserved[resource] <= vm.unreserved(hosts, row, resource),
    fault: (vm, hosts, row) => shortageFault(hosts, row, resource, vm.unreserved(hosts, row, resource), vm.shape.reserved[resource]),
    wouldFitIf: (vm, hosts, row) => `${Math.ceil(vm.shape.reserved[resource] - vm.unreserved(hosts, row, resource))} ${unitOf(resource)} more unreserved ${nameOf(resource)} on ${hosts.name(row)}`,
  };
}

/** The fault of a host on which what runs there cannot reserve so much more; undefined when it can. */
export function admissionFault(hosts: HostTable, host: string, growth: Amount): MethodFault | undefined {
  const row = hosts.row(host);
  const free = (resource: Resource): number => hosts.capacity(row, resource) - hosts.reserved(row, resource);
  const short = RESOURCES.find((resource) => growth[resource] > 0 && growth[resource] > free(resource));
  return short === undefined ? undefined : shortageFault(hosts, row, short, free(short), growth[short]);
}

function shortageFault(hosts: HostTable, row: number, resource: Resource, free: number, wanted: number): MethodFault {
  const value = { unreserved: Math.max(0, Math.floor(free)), requested: Math.ceil(wanted), host: hosts.ref(row) };
  const unit = unitOf(resource);
  return {
    localizedMessage: `The host does not have sufficient ${nameOf(resource)} resources to satisfy the reservation: ${hosts.name(row)} has ${value.unreserved} ${unit} unreserved, ${value.requested} ${unit} are asked for.`,
    fault: { $case: resource === "cpuMhz" ? "insufficientHostCpuCapacityFault" : "insufficientHostMemoryCapacityFault", value },
  };
}

function nameOf(resource: Resource): string {
  return resource === "cpuMhz" ? "CPU" : "memory";
}

/** The unit a resource is counted in. */
export function unitOf(resource: Resource): "MHz" | "MB" {
  return resource === "cpuMhz" ? "MHz" : "MB";
}
