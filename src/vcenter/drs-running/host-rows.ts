import { HostMemoryState, HostPowerState } from "../../gen/spheresim/vcenter/v1/inventory.js";
import { MemoryState } from "../drs/pass/memory-state.js";
import { type HostColumns, HostRole, type PassResult } from "../drs/pass/pass-input.js";
import type { Inventory } from "../inventory/inventory.js";
import { type HostRecord, reachOf } from "../store/records.js";
import { figure, type HostFigures } from "./drs-usage.js";
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

const SHOWN_STATES: Readonly<Record<number, HostMemoryState>> = {
  [MemoryState.HIGH]: HostMemoryState.HIGH,
  [MemoryState.SOFT]: HostMemoryState.SOFT,
  [MemoryState.HARD]: HostMemoryState.HARD,
  [MemoryState.LOW]: HostMemoryState.LOW,
};

/** What a pass found of a host, as it is shown; of one that is off or not reached its memory is not known. */
export function hostFigures(host: HostRecord, hosts: PassResult["hosts"], row: number): HostFigures {
  const of = (column: Float64Array): number => figure(column[row] ?? 0);
  const known = givesAway(host);
  return {
    demandCpuMhz: of(hosts.wantedMhz),
    demandMemoryMb: of(hosts.wantedMb),
    entitledCpuMhz: of(hosts.entitledMhz),
    entitledMemoryMb: of(hosts.entitledMb),
    memoryState: (known ? SHOWN_STATES[hosts.memoryState[row] ?? MemoryState.HIGH] : undefined) ?? HostMemoryState.UNSPECIFIED,
    freeMemoryMb: known ? of(hosts.freeMb) : 0,
    balloonedMemoryMb: known ? of(hosts.balloonedMb) : 0,
    swappedMemoryMb: known ? of(hosts.swappedMb) : 0,
  };
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
