import { RpcError } from "../base/rpc-error.js";
import type { AddHostRequest, Host, HostSpec } from "../gen/spheresim/vcenter/v1/inventory.js";
import type { InventoryServiceService } from "../gen/spheresim/vcenter/v1/inventory_service.js";
import type { PromiseClient } from "./channel.js";

/** A host vCenter shall have. */
export type WantedHost = Pick<AddHostRequest, "cluster" | "address"> & { readonly spec: HostSpec };

const IS_THERE: ReadonlySet<string> = new Set(["DuplicateName", "AlreadyConnected"]);

/**
 * Has vCenter have a host, and look for its HostD at the address given. `known` is the host of that name as vCenter had it a moment ago: all that a
 * person said of it since it was added stays, a disconnect too. `requireAlike` throws for a host of that name which is another one.
 *
 * Worked example: a first try was killed after host a of a and b; the second one finds a, whose HostD may answer elsewhere now, and adds b.
 */
export async function addOrFindHost(service: PromiseClient<typeof InventoryServiceService>, wanted: WantedHost, known: Host | undefined, requireAlike: (known: Host, wanted: WantedHost) => void): Promise<Host> {
  const { spec, address } = wanted;
  const reached = (host: Host): Host | Promise<Host> => {
    requireAlike(host, wanted);
    return host.address === address ? host : service.setHostConnection({ requestId: "", host: { key: { $case: "name", value: spec.name } }, address });
  };
  if (known !== undefined) return reached(known);
  try {
    return await service.addHost({ requestId: "", ...wanted });
  } catch (error) {
    if (!(error instanceof RpcError) || !IS_THERE.has(error.reason?.reason ?? "")) throw error;
    // Somebody added it since vCenter was asked.
    const { hosts } = await service.getInventory({});
    const other = hosts.find((host) => host.spec?.name === spec.name);
    if (other === undefined) throw error;
    return reached(other);
  }
}
