import type { Amount } from "../../../src/vcenter/drs/amount.js";
import type { VmShape } from "../../../src/vcenter/drs/vm-shape.js";
import { type BookedHost, wellHost } from "./host-rows.js";

export const GB = 1024;

/** A host of 100 GB whose CPU decides nothing. */
export function memoryHost(name: string, reservedGb: number, activeGb: number): BookedHost {
  const memory = (gb: number): Amount => ({ cpuMhz: 0, memoryMb: gb * GB });
  return { ...wellHost, moid: name, name, cores: 16, coreMhz: 2600, memoryMb: 100 * GB, reserved: memory(reservedGb), active: memory(activeGb) };
}

/** A VM that reserves all of its 35 GB. */
export const reserving35: VmShape = { isPod: true, numCpus: 1, memoryMb: 35 * GB, reserved: { cpuMhz: 0, memoryMb: 35 * GB }, overheadMemoryMb: 0, activity: undefined, datastores: [], networks: [] };
