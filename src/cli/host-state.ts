import { type Host, HostConnectionState, HostEvacuationPurpose, HostPowerState } from "../gen/spheresim/vcenter/v1/inventory.js";

/** What keeps a host from working as usual, each in a word or two; empty when nothing does. */
export function hostTroubles({ connectionState, powerState, evacuation, inMaintenanceMode, inQuarantineMode }: Host): string[] {
  return [
    connectionState === HostConnectionState.CONNECTED ? "" : HostConnectionState[connectionState].toLowerCase().replaceAll("_", " "),
    powerState === HostPowerState.STAND_BY ? "standby" : powerState === HostPowerState.POWERED_OFF ? "powered off" : "",
    inMaintenanceMode ? "maintenance" : "",
    evacuation === undefined ? "" : evacuation.purpose === HostEvacuationPurpose.STAND_BY ? "entering standby" : "entering maintenance",
    inQuarantineMode ? "quarantine" : "",
  ].filter((state) => state !== "");
}

/** The name without its domain: hosts of one cluster differ in their first label. */
export function shortHostName(name: string): string {
  return name.split(".", 1)[0] ?? name;
}
