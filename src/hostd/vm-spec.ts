import { isUuid } from "../base/ids.js";
import type { VirtualDevice, VirtualMachineConfigSpec } from "../gen/spheresim/vim/v1/virtual_machine.js";
import { deviceNotSupported, invalidArgument } from "./host-fault.js";

/** vim25 guestId of a vSphere Pod. */
export const CRX_GUEST_ID = "crxPod1Guest";

/** A CRX has no emulated hardware: these two are all its kernel can drive. */
const CRX_DISK_CONTROLLER = "pvscsi";
const CRX_CARD = "vmxnet3";

export function isCrx(config: VirtualMachineConfigSpec): boolean {
  return config.guestId === CRX_GUEST_ID;
}

/** MHz and MB that a running VM takes from the host's unreserved capacity: its reservations, and the overhead of running it. */
export function demandOf(config: VirtualMachineConfigSpec): { readonly cpuMhz: number; readonly memoryMb: number } {
  return { cpuMhz: config.cpuAllocation?.reservation ?? 0, memoryMb: (config.memoryAllocation?.reservation ?? 0) + config.overheadMemoryMb };
}

/** Refuses a specification that no host could make a VM of. */
export function requireValidSpec(config: VirtualMachineConfigSpec | undefined): VirtualMachineConfigSpec {
  if (config === undefined) throw invalidArgument("config", "is required");
  if (config.name === "") throw invalidArgument("config.name", "must not be empty");
  if (!isUuid(config.instanceUuid)) throw invalidArgument("config.instance_uuid", "must be a UUID in lower case");
  if (!isUuid(config.uuid)) throw invalidArgument("config.uuid", "must be a UUID in lower case");
  if (config.numCpus < 1) throw invalidArgument("config.num_cpus", `must be at least 1, not ${config.numCpus}`);
  if (config.memoryMb < 4 || config.memoryMb % 4 !== 0) throw invalidArgument("config.memory_mb", `must be a multiple of 4, at least 4, not ${config.memoryMb}`);
  if (config.overheadMemoryMb < 0) throw invalidArgument("config.overhead_memory_mb", "must not be negative");
  requireValidAllocation(config.cpuAllocation?.reservation, config.cpuAllocation?.limit, "config.cpu_allocation");
  requireValidAllocation(config.memoryAllocation?.reservation, config.memoryAllocation?.limit, "config.memory_allocation");
  if ((config.memoryAllocation?.reservation ?? 0) > config.memoryMb) throw invalidArgument("config.memory_allocation.reservation", "must not be above memory_mb");
  if (isCrx(config)) config.devices.forEach((device, index) => requireParavirtual(device, `config.devices[${index}]`));
  return config;
}

function requireValidAllocation(reservation = 0, limit = -1, field: string): void {
  if (reservation < 0) throw invalidArgument(`${field}.reservation`, "must not be negative");
  if (limit < -1) throw invalidArgument(`${field}.limit`, "must be -1 (unlimited) or more");
  if (limit !== -1 && reservation > limit) throw invalidArgument(`${field}.reservation`, "must not be above the limit");
}

function requireParavirtual(device: VirtualDevice, field: string): void {
  const { backing } = device;
  switch (backing?.$case) {
    case "disk":
      if (backing.value.controller === CRX_DISK_CONTROLLER) return;
      throw deviceNotSupported(backing.value.controller || "disk controller", `A CRX instance takes disks on ${CRX_DISK_CONTROLLER} only.`, `${field}.disk.controller`);
    case "ethernetCard":
      if (backing.value.cardType === CRX_CARD) return;
      throw deviceNotSupported(backing.value.cardType || "network card", `A CRX instance takes ${CRX_CARD} cards only.`, `${field}.ethernet_card.card_type`);
    case "other":
      throw deviceNotSupported(backing.value, "A CRX instance takes paravirtual devices only.", `${field}.other`);
    case undefined:
      throw invalidArgument(field, "says no device");
  }
}
