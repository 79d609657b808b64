import { RpcError } from "../base/rpc-error.js";
import { UserError } from "../base/user-error.js";
import { type AddHostRequest, type Host, type HostSpec } from "../gen/spheresim/vcenter/v1/inventory.js";
import type { InventoryServiceService } from "../gen/spheresim/vcenter/v1/inventory_service.js";
import type { PromiseClient } from "../rpc/channel.js";

type Service = PromiseClient<typeof InventoryServiceService>;

/** A host vCenter shall have. */
export type WantedHost = Pick<AddHostRequest, "cluster" | "address"> & { readonly spec: HostSpec };

/**
 * Has vCenter have a host, and look for its HostD at the address given. `known` is the host of that name as vCenter had it a moment ago: all that a
 * person said of it since it was added stays, a disconnect too.
 *
 * Worked example: a first start was killed after host a of a and b; the second one finds a, whose HostD may answer elsewhere now, and adds b.
 */
export async function haveHost(service: Service, wanted: WantedHost, known: Host | undefined): Promise<Host> {
  if (known !== undefined) return reached(service, wanted, known);
  try {
    return await service.addHost({ requestId: "", ...wanted });
  } catch (error) {
    if (!(error instanceof RpcError) || !["DuplicateName", "AlreadyConnected"].includes(error.reason?.reason ?? "")) throw error;
    // Somebody added it since vCenter was asked.
    const { hosts } = await service.getInventory({});
    const other = hosts.find(({ spec }) => spec?.name === wanted.spec.name);
    if (other === undefined) throw error;
    return reached(service, wanted, other);
  }
}

async function reached(service: Service, { spec, cluster, address }: WantedHost, known: Host): Promise<Host> {
  const { name } = spec;
  if (known.cluster?.value !== cluster?.value) throw new UserError("cannot-start", `inventory: vCenter has host ${name} in another cluster (${known.cluster?.value})`, `move it: spheresim host remove ${name}, then start again; or name another host in the inventory file`);
  if (known.spec !== undefined && hardware(known.spec) !== hardware(spec)) {
    throw new UserError("cannot-start", `inventory: host ${name} has ${hardware(known.spec)} since it was added, not ${hardware(spec)}`, "change it in the inventory file, or start anew with another --data-dir");
  }
  if (known.address === address) return known;
  return service.setHostConnection({ requestId: "", host: { key: { $case: "name", value: name } }, address });
}

function hardware({ numCpuCores, cpuMhz, memoryMb }: HostSpec): string {
  return `${numCpuCores} cores of ${cpuMhz} MHz and ${memoryMb} MB`;
}
