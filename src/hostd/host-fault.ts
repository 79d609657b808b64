import { isDeepStrictEqual } from "node:util";
import { MethodFault } from "../gen/spheresim/vim/v1/fault.js";
import type { ManagedObjectReference } from "../gen/spheresim/vim/v1/managed_object.js";

type FaultCase = NonNullable<MethodFault["fault"]>;

/** A vim25 fault as HostD raises it; `errors.ts` says which status it becomes. */
export class HostFault extends Error {
  readonly fault: MethodFault;
  /** Path of the field at fault, for InvalidArgument and the like. */
  readonly field: string;

  constructor(message: string, fault: FaultCase, field = "") {
    super(message);
    this.name = "HostFault";
    this.fault = MethodFault.create({ localizedMessage: message, fault });
    this.field = field;
  }

  get case(): FaultCase["$case"] {
    return (this.fault.fault as FaultCase).$case;
  }
}

/** The host as it calls itself; only vCenter gives it a moid of the form `host-21`. */
export const HA_HOST: ManagedObjectReference = { type: "HostSystem", value: "ha-host" };

/** A VM by the host's own id, an integer. */
export function vmRef(vmId: string): ManagedObjectReference {
  return { type: "VirtualMachine", value: vmId };
}

export function invalidArgument(field: string, why: string): HostFault {
  return new HostFault(`A specified parameter was not correct: ${field} (${why})`, { $case: "invalidArgument", value: { invalidProperty: field } }, field);
}

export function notFound(type: string, value: string): HostFault {
  return new HostFault(`The object '${type}:${value}' has already been deleted or has not been completely created`, { $case: "managedObjectNotFound", value: { obj: { type, value } } });
}

export function duplicateName(name: string, vmId: string): HostFault {
  return new HostFault(`The name '${name}' already exists, with another specification.`, { $case: "duplicateName", value: { name, object: vmRef(vmId) } });
}

export function invalidPowerState(requested: "poweredOn" | "poweredOff", existing: "poweredOn" | "poweredOff"): HostFault {
  const state = { poweredOn: "Powered on", poweredOff: "Powered off" }[existing];
  return new HostFault(`The attempted operation cannot be performed in the current state (${state}).`, {
    $case: "invalidPowerState",
    value: { requestedState: requested, existingState: existing },
  });
}

export function invalidState(why: string): HostFault {
  return new HostFault(why, { $case: "invalidState", value: {} });
}

export function taskInProgress(task: string): HostFault {
  return new HostFault(`Another task is already in progress: ${task}.`, { $case: "taskInProgress", value: { task: { type: "Task", value: task } } });
}

export function timedout(what: string): HostFault {
  return new HostFault(`Operation timed out: ${what}.`, { $case: "timedout", value: {} });
}

export function shuttingDown(): HostFault {
  return new HostFault("The host is shutting down.", { $case: "hostNotReachable", value: {} });
}

export function hostNotReachable(host: string, why: string): HostFault {
  return new HostFault(`The remote host ${host} is not reachable: ${why}.`, { $case: "hostNotReachable", value: {} });
}

export function duplicateHost(name: string): HostFault {
  return new HostFault(`The name '${name}' already exists, with other hardware.`, { $case: "duplicateName", value: { name, object: { type: "HostSystem", value: name } } });
}

export function notSupported(why: string): HostFault {
  return new HostFault(`The operation is not supported on the object: ${why}.`, { $case: "notSupported", value: {} });
}

export function deviceNotSupported(device: string, reason: string, field: string): HostFault {
  return new HostFault(`Device '${device}' is not supported. ${reason}`, { $case: "deviceNotSupported", value: { device, reason } }, field);
}

export function resourceInUse(type: string, name: string): HostFault {
  return new HostFault(`The resource '${name}' is in use.`, { $case: "resourceInUse", value: { type, name } });
}

export function notEnoughCpus(numCpuDest: number, numCpuVm: number): HostFault {
  return new HostFault(`The host has ${numCpuDest} CPUs; the virtual machine needs ${numCpuVm}.`, { $case: "notEnoughCpus", value: { numCpuDest, numCpuVm } });
}

export function insufficientCpu(unreserved: number, requested: number): HostFault {
  return new HostFault(`The host has insufficient CPU capacity: ${requested} MHz requested, ${unreserved} MHz unreserved.`, {
    $case: "insufficientHostCpuCapacityFault",
    value: { unreserved, requested, host: HA_HOST },
  });
}

export function insufficientMemory(unreserved: number, requested: number): HostFault {
  return new HostFault(`The host has insufficient memory capacity: ${requested} MB requested, ${unreserved} MB unreserved.`, {
    $case: "insufficientHostMemoryCapacityFault",
    value: { unreserved, requested, host: HA_HOST },
  });
}

export function invalidCollectorVersion(oldestToken: string): HostFault {
  return new HostFault("The version given is not valid any more; begin again without one.", { $case: "invalidCollectorVersion", value: { oldestToken } });
}

export function ownerMismatch(vmId: string, requestedOwnerUid: string, existingOwnerUid: string): HostFault {
  return new HostFault(`VM ${vmId} belongs to owner '${existingOwnerUid}', not to '${requestedOwnerUid}'.`, {
    $case: "ownerMismatch",
    value: { vm: vmRef(vmId), requestedOwnerUid, existingOwnerUid },
  });
}

/** Whether two messages say the same, whatever the order of their map entries. */
export function sameMessage(one: unknown, other: unknown): boolean {
  return isDeepStrictEqual(one, other);
}
