import { HostServiceKey } from "../../src/gen/spheresim/hostd/v1/hardware.js";
import { HardwareServiceClient } from "../../src/gen/spheresim/hostd/v1/hardware_service.js";
import { HostConnectionState } from "../../src/gen/spheresim/vcenter/v1/inventory.js";
import { InventoryServiceClient } from "../../src/gen/spheresim/vcenter/v1/inventory_service.js";
import type { RunningEmulator } from "./running-emulator.js";

/** What may happen to an ESXi host, and how it is mended. */
export const hostFailures = {
  "HostD dies": service(HostServiceKey.HOSTD),
  "the Spherelet dies": service(HostServiceKey.SPHERELET),
  "the host loses power": {
    happen: (running: RunningEmulator, name: string) => rackOf(running).setPower({ requestId: "", name, poweredOn: false }),
    mend: (running: RunningEmulator, name: string) => rackOf(running).setPower({ requestId: "", name, poweredOn: true }),
  },
  "the host is cut off": {
    happen: (running: RunningEmulator, name: string) => rackOf(running).setNetwork({ requestId: "", name, connected: false }),
    mend: (running: RunningEmulator, name: string) => rackOf(running).setNetwork({ requestId: "", name, connected: true }),
  },
} as const;

function service(key: HostServiceKey) {
  const set = (running: boolean) => (emulator: RunningEmulator, name: string) => rackOf(emulator).setService({ requestId: "", name, service: key, running });
  return { happen: set(false), mend: set(true) };
}

/** The hosts as things in a rack. */
export function rackOf(running: RunningEmulator) {
  return running.open("esxi").client(HardwareServiceClient);
}

/** How vCenter sees a host: `CONNECTED`, `NOT_RESPONDING` ... */
export async function connectionOf(running: RunningEmulator, name: string): Promise<string | undefined> {
  const { hosts } = await running.open("vcenter").client(InventoryServiceClient).getInventory({});
  const host = hosts.find(({ spec }) => spec?.name === name);
  return host === undefined ? undefined : HostConnectionState[host.connectionState];
}
