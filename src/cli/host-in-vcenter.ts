import { UserError } from "../base/user-error.js";
import type { HostHardware } from "../gen/spheresim/hostd/v1/hardware.js";
import type { Host } from "../gen/spheresim/vcenter/v1/inventory.js";
import { InventoryServiceClient } from "../gen/spheresim/vcenter/v1/inventory_service.js";
import type { ManagedObjectReference } from "../gen/spheresim/vim/v1/managed_object.js";
import { addOrFindHost, type WantedHost } from "../rpc/added-host.js";
import { moid, type Vsphere } from "./vsphere.js";

/** What a host is made of. */
export type Hardware = Pick<HostHardware, "numCpuCores" | "cpuMhz" | "memoryMb">;

/** The host as vCenter has it now. */
export async function inVcenter(vsphere: Vsphere, name: string): Promise<Host | undefined> {
  vsphere.forget();
  return (await vsphere.inventory()).hosts.find(({ spec }) => spec?.name === name);
}

/** vCenter has the host, and looks for its HostD at the address, when this resolves; it may have had it before, from a command that ended half way. */
export function haveHost(vsphere: Vsphere, wanted: WantedHost, known: Host | undefined): Promise<Host> {
  return addOrFindHost(vsphere.client(InventoryServiceClient), wanted, known, requireAlike);
}

function requireAlike(known: Host, { spec, cluster }: WantedHost): void {
  const { name } = spec;
  requireCluster(known, cluster);
  if (known.spec !== undefined && figures(known.spec) !== figures(spec)) throw new UserError("failed", `vCenter has ${name} already, with ${figures(known.spec)}; it has ${figures(spec)} now`, `have vCenter read it anew: spheresim host remove ${name}, then add it again`);
}

/** Refuses a host that vCenter has in another cluster. */
export function requireCluster({ spec, cluster }: Host, wanted: ManagedObjectReference | undefined): void {
  if (moid(cluster) !== moid(wanted)) throw new UserError("failed", `vCenter has ${spec?.name} already, in cluster ${moid(cluster)}`, `remove it there first: spheresim host remove ${spec?.name}`);
}

export function figures({ numCpuCores, cpuMhz, memoryMb }: Hardware): string {
  return `${numCpuCores} cores of ${cpuMhz} MHz, ${memoryMb} MB`;
}
