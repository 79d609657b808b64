import { HostPowerState } from "../../gen/spheresim/vcenter/v1/inventory.js";
import { type HostColumns, HostRole } from "../drs/pass/pass-input.js";
import type { Inventory } from "../inventory/inventory.js";
import { type HostRecord, reachOf } from "../store/records.js";
import type { Needs } from "./needs.js";
import type { Stretches } from "./stretches.js";

/** Reads hosts into columns. */
export async function hostColumns(inventory: Inventory, hosts: readonly HostRecord[], needs: Needs, stretches: Stretches): Promise<HostColumns> {
  const count = hosts.length;
  const ints = (): Int32Array => new Int32Array(count);
  const columns: HostColumns = {
    capacityMhz: ints(),
    capacityMb: ints(),
    cores: ints(),
    coreMhz: ints(),
    offer: ints(),
    reservedMhz: new Float64Array(count),
    reservedMb: new Float64Array(count),
    role: new Uint8Array(count),
  };
  for (const [row, host] of hosts.entries()) {
    const pause = stretches.step();
    if (pause !== undefined) await pause;
    const { spec } = host;
    columns.capacityMhz[row] = spec.numCpuCores * spec.cpuMhz;
    columns.capacityMb[row] = spec.memoryMb;
    columns.cores[row] = spec.numCpuCores;
    columns.coreMhz[row] = spec.cpuMhz;
    columns.offer[row] = needs.offerOf(spec);
    // One that was removed meanwhile has nothing on it.
    if (inventory.findHost(host.moid) === undefined) continue;
    const { reserved } = inventory.ledger.host(host.moid);
    columns.reservedMhz[row] = reserved.cpuMhz;
    columns.reservedMb[row] = reserved.memoryMb;
    columns.role[row] = roleOf(host);
  }
  return columns;
}

/** Whether VMs can be moved away from the host. */
export function givesAway(host: HostRecord): boolean {
  return reachOf(host) === "connected" && host.powerState === HostPowerState.POWERED_ON;
}

/** A host on its way into maintenance or standby must give away what runs there, as must one that was put into maintenance mode at once; one in quarantine takes nothing, and is relieved where others have room. */
function roleOf(host: HostRecord): number {
  if (!givesAway(host)) return HostRole.KEEPS;
  if (host.evacuation !== undefined || host.inMaintenanceMode) return HostRole.EVACUATES;
  return host.inQuarantineMode ? HostRole.RELIEVED : HostRole.TAKES;
}
