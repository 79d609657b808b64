import type { VirtualMachineConfigSpec } from "../../gen/spheresim/vim/v1/virtual_machine.js";
import { expectedUse } from "../activity/activity.js";
import type { Amount } from "./amount.js";

/** The guest of a vSphere Pod. vim25: VirtualMachineGuestOsIdentifier crxPod1Guest. */
export const POD_GUEST_ID = "crxPod1Guest";

/** What an ordinary VM uses at a moment. */
export interface VmUse extends Amount {
  /** Memory it has touched and holds, MB; at least what it uses actively. */
  readonly consumedMemoryMb: number;
}

/** What DRS looks at in a VM, read once from its config. */
export interface VmShape {
  readonly isPod: boolean;
  readonly numCpus: number;
  /** Configured memory, MB, without overhead. */
  readonly memoryMb: number;
  /** Reservation, with the memory overhead: what a host must have unreserved. */
  readonly reserved: Amount;
  readonly overheadMemoryMb: number;
  /** What an ordinary VM uses; undefined for a pod VM. */
  readonly activity: VmUse | undefined;
  readonly datastores: readonly string[];
  readonly networks: readonly string[];
}

/** Reads the shape of a VM; of an ordinary one that runs `use` says what it uses, of one to come its profile what it will when it starts. */
export function vmShape(config: VirtualMachineConfigSpec, use?: VmUse): VmShape {
  const isPod = config.guestId === POD_GUEST_ID;
  const datastores = new Set<string>();
  const networks = new Set<string>();
  for (const device of config.devices) {
    if (device.backing?.$case === "disk" && device.backing.value.datastore !== "") datastores.add(device.backing.value.datastore);
    if (device.backing?.$case === "ethernetCard" && device.backing.value.network !== "") networks.add(device.backing.value.network);
  }
  return {
    isPod,
    numCpus: config.numCpus,
    memoryMb: config.memoryMb,
    reserved: {
      cpuMhz: config.cpuAllocation?.reservation ?? 0,
      memoryMb: (config.memoryAllocation?.reservation ?? 0) + config.overheadMemoryMb,
    },
    overheadMemoryMb: config.overheadMemoryMb,
    activity: isPod ? undefined : (use ?? usedAtStart(config)),
    datastores: [...datastores],
    networks: [...networks],
  };
}

function usedAtStart(config: VirtualMachineConfigSpec): VmUse {
  const use = expectedUse(config.activity);
  return { ...use, consumedMemoryMb: use.memoryMb };
}
