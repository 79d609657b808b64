import type { Resource } from "./amount.js";
import type { Question } from "./host-question.js";

/** Host admission: reservation and overhead must be unreserved on the host. One question a resource. */
export function hostAdmission(resource: Resource): Question {
  const isCpu = resource === "cpuMhz";
  const what = isCpu ? "CPU" : "memory";
  const unit = unitOf(resource);
  return {
    passes: (vm, hosts, row) => vm.shape.reserved[resource] <= vm.unreserved(hosts, row, resource),
    fault: (vm, hosts, row) => {
      const value = { unreserved: Math.max(0, Math.floor(vm.unreserved(hosts, row, resource))), requested: Math.ceil(vm.shape.reserved[resource]), host: hosts.ref(row) };
      return {
        localizedMessage: `The host does not have sufficient ${what} resources to satisfy the reservation: ${hosts.name(row)} has ${value.unreserved} ${unit} unreserved, ${value.requested} ${unit} are asked for.`,
        fault: { $case: isCpu ? "insufficientHostCpuCapacityFault" : "insufficientHostMemoryCapacityFault", value },
      };
    },
    wouldFitIf: (vm, hosts, row) => `${Math.ceil(vm.shape.reserved[resource] - vm.unreserved(hosts, row, resource))} ${unit} more unreserved ${what} on ${hosts.name(row)}`,
  };
}

/** The unit a resource is counted in. */
export function unitOf(resource: Resource): "MHz" | "MB" {
  return resource === "cpuMhz" ? "MHz" : "MB";
}
