import { HostPowerState } from "../../gen/spheresim/vcenter/v1/inventory.js";
import type { HostKey } from "../../gen/spheresim/vim/v1/virtual_machine.js";
import type { Inventory } from "../inventory/inventory.js";
import { moref } from "../inventory/moref.js";
import { requireHost } from "../placement/placement-spec.js";
import { type HostRecord, isClosed, reachOf } from "../store/records.js";
import { VimFault } from "../vim-fault.js";

const POWER_NAMES: Readonly<Partial<Record<HostPowerState, string>>> = { [HostPowerState.POWERED_OFF]: "poweredOff", [HostPowerState.STAND_BY]: "standBy" };

/** The host that a request is about. Throws ManagedObjectNotFound for an unknown one, InvalidArgument where none is named. */
export function knownHost(key: HostKey | undefined, inventory: Inventory): HostRecord {
  if (key?.key !== undefined && inventory.hostByKey(key) === undefined) {
    throw VimFault.notFound(moref("HostSystem", key.key.$case === "name" ? key.key.value : key.key.value.value));
  }
  return requireHost(key, "host", inventory);
}

/** Throws HostNotConnected, InvalidState or InvalidPowerState where no VM can come to the host, be it switched off. */
export function requireOpen(host: HostRecord): void {
  if (host.disconnected) throw VimFault.hostNotConnected(host.spec.name);
  if (isClosed(host)) throw VimFault.invalidState(`The host ${host.spec.name} is ${host.inMaintenanceMode ? "in maintenance mode" : "being evacuated"}.`);
  if (host.powerState !== HostPowerState.POWERED_ON) throw VimFault.invalidPowerState("poweredOn", powerName(host));
}

/** The power state of a host in vim25's spelling. */
export function powerName({ powerState }: HostRecord): string {
  return POWER_NAMES[powerState] ?? "poweredOn";
}

/** Throws HostNotConnected or HostNotReachable. */
export function requireReached(host: HostRecord): void {
  const reach = reachOf(host);
  if (reach === "disconnected") throw VimFault.hostNotConnected(host.spec.name);
  if (reach === "notResponding") throw VimFault.hostNotReachable(host.spec.name, "it does not respond.");
}
