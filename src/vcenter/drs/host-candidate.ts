/** Whether and how vCenter reaches a host, as DRS sees it. */
export type HostReach = "connected" | "notResponding" | "disconnected";

/** A host's power as vim25's HostSystemPowerState spells it. */
export type HostPower = "poweredOn" | "poweredOff" | "standBy";

/** What DRS looks at in a host besides its account: what it is made of, what it offers, how it is. */
export interface HostCandidate {
  readonly moid: string;
  readonly name: string;
  readonly cluster: string;
  readonly cores: number;
  readonly coreMhz: number;
  readonly memoryMb: number;
  readonly reach: HostReach;
  readonly power: HostPower;
  readonly inMaintenanceMode: boolean;
  readonly inQuarantineMode: boolean;
  readonly datastores: readonly string[];
  readonly networks: readonly string[];
}

/** Whether a host can run anything now: what HA counts on when a host is lost. */
export function isUsable(host: Pick<HostCandidate, "reach" | "power" | "inMaintenanceMode">): boolean {
  return host.reach === "connected" && host.power === "poweredOn" && !host.inMaintenanceMode;
}
