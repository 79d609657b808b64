import type { Command } from "commander";
import { UserError } from "../base/user-error.js";
import { InventoryServiceClient } from "../gen/spheresim/vcenter/v1/inventory_service.js";
import { addConnectionOptions } from "./connection-options.js";
import type { ConnectionOptions } from "./connection.js";
import { nodeOf } from "./host-recovery.js";
import { Rack, rackedHost } from "./rack.js";
import { type Vsphere, withVsphere } from "./vsphere.js";

/** `spheresim host remove`: out of vCenter, and, where `host add` put it there, out of the rack. */
export function addHostRemove(host: Command): void {
  addConnectionOptions(host.command("remove").description("take a host out of the cluster, and out of the rack if it was put there by add; no VM may be left on it").argument("<name>"))
    .action((name: string, flags: ConnectionOptions) => withVsphere(flags, (vsphere) => remove(vsphere, name)));
}

async function remove(vsphere: Vsphere, wanted: string): Promise<void> {
  const { name, address, moid } = await rackedHost(vsphere, wanted);
  if (moid !== undefined) await vsphere.client(InventoryServiceClient).removeHost({ requestId: "", host: { key: { $case: "name", value: name } } });
  const rack = new Rack(vsphere, address);
  // vCenter lets go of a host whose process is gone, too.
  const hardware = await rack.host(name).catch(() => undefined);
  if (hardware?.added !== true) {
    if (moid === undefined) throw new UserError("failed", `vCenter does not have ${name}, and the rack has it from its inventory`, "to have it nowhere, leave it out of the inventory");
    process.stdout.write(`${name} removed\n`);
    return;
  }
  await rack.client.setPower({ requestId: "", name, poweredOn: false });
  await rack.client.removeHardware({ requestId: "", name });
  const node = nodeOf(vsphere, address, name);
  try {
    await node?.gone();
  } finally {
    await node?.close();
  }
  process.stdout.write(`${name} removed, from the rack too\n`);
}
