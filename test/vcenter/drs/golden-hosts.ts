import type { HostCandidate } from "../../../src/vcenter/drs/host-candidate.js";
import type { VmShape } from "../../../src/vcenter/drs/vm-shape.js";

export const GB = 1024;

/** A host of 100 GB whose CPU decides nothing. */
export function memoryHost(moid: string, reservedGb: number, activeGb: number): HostCandidate {
  const zero = { cpuMhz: 0, memoryMb: 0 };
  return {
    moid,
    name: moid,
    cores: 16,
    coreMhz: 2600,
    memoryMb: 100 * GB,
    reach: "connected",
    poweredOn: true,
    inMaintenanceMode: false,
    inQuarantineMode: false,
    datastores: new Set(),
    networks: new Set(),
    account: {
      capacity: { cpuMhz: 16 * 2600, memoryMb: 100 * GB },
      reserved: { cpuMhz: 0, memoryMb: reservedGb * GB },
      active: { ...zero, memoryMb: activeGb * GB },
      demand: { ...zero, memoryMb: activeGb * GB },
      poweredOnVms: 1,
    },
  };
}

/** A VM that reserves all of its 35 GB. */
export const reserving35: VmShape = { isPod: true, numCpus: 1, memoryMb: 35 * GB, reserved: { cpuMhz: 0, memoryMb: 35 * GB }, overheadMemoryMb: 0, activity: undefined, datastores: [], networks: [] };
