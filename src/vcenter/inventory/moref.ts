import type { ManagedObjectReference } from "../../gen/spheresim/vim/v1/managed_object.js";

/** The managed object types of this inventory, as vim25 names them. */
export type MoType = "Datacenter" | "ClusterComputeResource" | "ResourcePool" | "HostSystem" | "VirtualMachine" | "Task";

/** A reference to an object of this vCenter. */
export function moref(type: MoType, value: string): ManagedObjectReference {
  return { type, value };
}
