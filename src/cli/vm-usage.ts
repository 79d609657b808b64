import { RpcCode, RpcError } from "../base/rpc-error.js";
import type { VmUsage } from "../gen/spheresim/vcenter/v1/drs.js";
import { DrsServiceClient } from "../gen/spheresim/vcenter/v1/drs_service.js";
import type { ManagedObjectReference } from "../gen/spheresim/vim/v1/managed_object.js";
import { allPages, PAGE_SIZE, type Vsphere } from "./vsphere.js";

/** What DRS knows of each VM that is on, as of its last pass. */
export function vmUsage(vsphere: Vsphere, cluster: ManagedObjectReference | undefined): Promise<VmUsage[]> {
  const drs = vsphere.client(DrsServiceClient);
  return allPages((pageToken) => drs.listVmUsage({ cluster, pageSize: PAGE_SIZE, pageToken }), ({ vms }) => vms);
}

/** The same for every cluster by moid, and nothing of a vCenter that does not say. */
export async function knownUsage(vsphere: Vsphere): Promise<ReadonlyMap<string, VmUsage>> {
  const { clusters } = await vsphere.inventory();
  try {
    const all = await Promise.all(clusters.map((cluster) => vmUsage(vsphere, cluster.ref)));
    return new Map(all.flat().map((usage) => [usage.vm?.value ?? "", usage]));
  } catch (error) {
    if (RpcError.is(error, RpcCode.UNIMPLEMENTED)) return new Map();
    throw error;
  }
}
