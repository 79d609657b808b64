import { isUuid } from "../base/ids.js";
import type { VirtualDevice, VirtualMachineConfigSpec } from "../gen/spheresim/vim/v1/virtual_machine.js";
import { deviceNotSupported, invalidArgument } from "./host-fault.js";

/** vim25 guestId of a vSphere Pod. */
export const CRX_GUEST_ID = "crxPod1Guest";

/** What disks hang on and which cards there are. A CRX has no emulated hardware: its kernel can drive paravirtual devices alone. */
const DISK_CONTROLLERS = { crx: ["pvscsi"], ordinary: ["pvscsi", "lsilogic", "nvme", "sata"] };
const CARDS = { crx: ["vmxnet3"], ordinary: ["vmxnet3", "e1000e"] };
const WHO = { crx: "A CRX instance", ordinary: "This host" };

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
  const kind = isCrx(config) ? "crx" : "ordinary";
  config.devices.forEach((device, index) => requireDevice(kind, device, `config.devices[${index}]`));
  return config;
}

function requireValidAllocation(reservation = 0, limit = -1, field: string): void {
  if (reservation < 0) throw invalidArgument(`${field}.reservation`, "must not be negative");
  if (limit < -1) throw invalidArgument(`${field}.limit`, "must be -1 (unlimited) or more");
  if (limit !== -1 && reservation > limit) throw invalidArgument(`${field}.reservation`, "must not be above the limit");
}

function requireDevice(kind: "crx" | "ordinary", { backing }: VirtualDevice, field: string): void {
  switch (backing?.$case) {
    case "disk": {
      const { controller } = backing.value;
      if (DISK_CONTROLLERS[kind].includes(controller)) return;
      throw deviceNotSupported(controller || "disk controller", `${WHO[kind]} takes disks on ${DISK_CONTROLLERS[kind].join(", ")} only.`, `${field}.disk.controller`);
    }
    case "ethernetCard": {
      const { cardType } = backing.value;
      if (CARDS[kind].includes(cardType)) return;
      throw deviceNotSupported(cardType || "network card", `${WHO[kind]} takes ${CARDS[kind].join(", ")} cards only.`, `${field}.ethernet_card.card_type`);
    }
    case "other":
      if (kind === "ordinary" && backing.value !== "") return;
      throw deviceNotSupported(backing.value || "device", kind === "crx" ? "A CRX instance takes paravirtual devices only." : "It has no name.", `${field}.other`);
    case undefined:
      throw invalidArgument(field, "says no device");
  }
}
