import { UserError } from "../base/user-error.js";
import type { Host, HostSpec } from "../gen/spheresim/vcenter/v1/inventory.js";
import type { InventoryServiceService } from "../gen/spheresim/vcenter/v1/inventory_service.js";
import { addOrFindHost, type WantedHost } from "../rpc/added-host.js";
import type { PromiseClient } from "../rpc/channel.js";

/** Has vCenter have a host of the inventory, which may be there from an earlier start; refuses what would be another host. */
export function haveHost(service: PromiseClient<typeof InventoryServiceService>, wanted: WantedHost, known: Host | undefined): Promise<Host> {
  return addOrFindHost(service, wanted, known, requireAlike);
}

function requireAlike(known: Host, { spec, cluster }: WantedHost): void {
  const { name } = spec;
  if (known.cluster?.value !== cluster?.value) throw new UserError("cannot-start", `inventory: vCenter has host ${name} in another cluster (${known.cluster?.value})`, `move it: spheresim host remove ${name}, then start again; or name another host in the inventory file`);
  if (known.spec !== undefined && hardware(known.spec) !== hardware(spec)) {
    throw new UserError("cannot-start", `inventory: host ${name} has ${hardware(known.spec)} since it was added, not ${hardware(spec)}`, "change it in the inventory file, or start anew with another --data-dir");
  }
}

function hardware({ numCpuCores, cpuMhz, memoryMb }: HostSpec): string {
  return `${numCpuCores} cores of ${cpuMhz} MHz and ${memoryMb} MB`;
}
