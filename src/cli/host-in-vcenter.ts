import { RpcError } from "../base/rpc-error.js";
import { UserError } from "../base/user-error.js";
import type { HostHardware } from "../gen/spheresim/hostd/v1/hardware.js";
import { type AddHostRequest, type Host, type HostSpec } from "../gen/spheresim/vcenter/v1/inventory.js";
import { InventoryServiceClient, type InventoryServiceService } from "../gen/spheresim/vcenter/v1/inventory_service.js";
import type { ManagedObjectReference } from "../gen/spheresim/vim/v1/managed_object.js";
import type { PromiseClient } from "../rpc/channel.js";
import { moid, type Vsphere } from "./vsphere.js";

/** A host vCenter shall have. */
export type WantedHost = Pick<AddHostRequest, "cluster" | "address"> & { readonly spec: HostSpec };

/** What a host is made of. */
export type Hardware = Pick<HostHardware, "numCpuCores" | "cpuMhz" | "memoryMb">;

/** The host as vCenter has it now. */
export async function inVcenter(vsphere: Vsphere, name: string): Promise<Host | undefined> {
  vsphere.forget();
  return (await vsphere.inventory()).hosts.find(({ spec }) => spec?.name === name);
}

/** vCenter has the host, and looks for its HostD at the address, when this resolves; it may have had it before, from a command that ended half way. */
export async function haveHost(vsphere: Vsphere, wanted: WantedHost, known: Host | undefined): Promise<Host> {
  const service = vsphere.client(InventoryServiceClient);
  if (known !== undefined) return reached(service, wanted, known);
  try {
    return await service.addHost({ requestId: "", ...wanted });
  } catch (error) {
    if (!(error instanceof RpcError) || !["DuplicateName", "AlreadyConnected"].includes(error.reason?.reason ?? "")) throw error;
    // Somebody added it since vCenter was asked.
    const other = await inVcenter(vsphere, wanted.spec.name);
    if (other === undefined) throw error;
    return reached(service, wanted, other);
  }
}

/** Has vCenter look for a host that it has at the address; refuses what would be another host. */
async function reached(service: PromiseClient<typeof InventoryServiceService>, { spec, cluster, address }: WantedHost, known: Host): Promise<Host> {
  const { name } = spec;
  requireCluster(known, cluster);
  if (known.spec !== undefined && figures(known.spec) !== figures(spec)) throw new UserError("failed", `vCenter has ${name} already, with ${figures(known.spec)}; it has ${figures(spec)} now`, `have vCenter read it anew: spheresim host remove ${name}, then add it again`);
  if (known.address === address) return known;
  return service.setHostConnection({ requestId: "", host: { key: { $case: "name", value: name } }, address });
}

/** Refuses a host that vCenter has in another cluster. */
export function requireCluster({ spec, cluster }: Host, wanted: ManagedObjectReference | undefined): void {
  if (moid(cluster) !== moid(wanted)) throw new UserError("failed", `vCenter has ${spec?.name} already, in cluster ${moid(cluster)}`, `remove it there first: spheresim host remove ${spec?.name}`);
}

export function figures({ numCpuCores, cpuMhz, memoryMb }: Hardware): string {
  return `${numCpuCores} cores of ${cpuMhz} MHz, ${memoryMb} MB`;
}
