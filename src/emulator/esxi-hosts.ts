import type { HostVm } from "../gen/spheresim/hostd/v1/host.js";
import type { Host } from "../gen/spheresim/vcenter/v1/inventory.js";

/** What hosts say of themselves. */
export interface HostReport {
  readonly vms: readonly HostVm[];
  /** Names of hosts that did not answer. */
  readonly silent: readonly string[];
}

/** The ESXi hosts that vCenter has, asked at their own addresses. */
export interface EsxiHosts {
  /** The VMs they have, by their own HostDs. */
  report(hosts: readonly Host[]): Promise<HostReport>;
  /** Gives every host of their racks power, network and its services; a HostD of another make has no rack to ask. */
  mend(hosts: readonly Host[]): Promise<void>;
  close(): void;
}
