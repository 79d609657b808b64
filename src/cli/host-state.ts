import { type Host, HostConnectionState, HostEvacuationPurpose, HostMemoryState, HostPowerState } from "../gen/spheresim/vcenter/v1/inventory.js";

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

/** How short of free memory a host is, and what that took from its VMs, for example `soft, 820 MB in balloons`. */
export function memoryStateText({ usage }: Host): string {
  if (usage === undefined || usage.memoryState === HostMemoryState.UNSPECIFIED) return "";
  const { memoryState, balloonedMemoryMb, swappedMemoryMb } = usage;
  return [HostMemoryState[memoryState].toLowerCase(), balloonedMemoryMb > 0 ? `${balloonedMemoryMb} MB in balloons` : "", swappedMemoryMb > 0 ? `${swappedMemoryMb} MB swapped` : ""].filter((part) => part !== "").join(", ");
}

/** The name without its domain: hosts of one cluster differ in their first label. */
export function shortHostName(name: string): string {
  return name.split(".", 1)[0] ?? name;
}
