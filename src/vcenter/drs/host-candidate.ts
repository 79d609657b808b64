import type { HostAccount } from "./ledger.js";

/** Whether and how vCenter reaches a host, as DRS sees it. */
export type HostReach = "connected" | "notResponding" | "disconnected";

/** What DRS looks at in a host. */
export interface HostCandidate {
  readonly moid: string;
  readonly name: string;
  readonly cores: number;
  readonly coreMhz: number;
  readonly memoryMb: number;
  readonly reach: HostReach;
  readonly poweredOn: boolean;
  readonly inMaintenanceMode: boolean;
  readonly inQuarantineMode: boolean;
  readonly datastores: ReadonlySet<string>;
  readonly networks: ReadonlySet<string>;
  readonly account: HostAccount;
}
