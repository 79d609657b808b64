import type { Dice } from "../../base/seeded-random.js";
import type { ResourceAllocationInfo } from "../../gen/spheresim/vim/v1/resource.js";
import type { VirtualDevice, VirtualMachineConfigSpec } from "../../gen/spheresim/vim/v1/virtual_machine.js";
import { memoryOverheadMb } from "../drs/memory-overhead.js";
import { completeShares, type PresetLevel, vmCpuShares, vmMemoryShares } from "../drs/shares.js";
import { checkActivity } from "../activity/activity.js";
import { checkAllocation } from "../clusters/pool-allocation.js";
import { sharingParts } from "./config-parts.js";
import { MAX_CPUS, MAX_MEMORY_MB, MIN_MEMORY_MB } from "../spec-limits.js";
import { VimFault } from "../vim-fault.js";

const MAX_NAME = 253;

/**
 * A config as DRS and HostD take it: checked, with the memory overhead of vSphere's table and the shares of its level. Throws
 * InvalidArgument with the path of the field; `field` is the path of the config, empty where the request is flat.
 */
export function completeVmConfig(config: VirtualMachineConfigSpec | undefined, field: string): VirtualMachineConfigSpec {
  if (config === undefined) throw VimFault.invalidArgument(field, "is required");
  const path = field === "" ? "" : `${field}.`;
  if (config.name === "") throw VimFault.invalidArgument(`${path}name`, "is required");
  if (config.name.length > MAX_NAME) throw VimFault.invalidArgument(`${path}name`, `has ${config.name.length} characters, at most ${MAX_NAME} are taken`);
  if (config.numCpus < 1) throw VimFault.invalidArgument(`${path}num_cpus`, `must be at least 1, is ${config.numCpus}`);
  if (config.numCpus > MAX_CPUS) throw VimFault.invalidArgument(`${path}num_cpus`, `must be at most ${MAX_CPUS}, is ${config.numCpus}`);
  if (config.memoryMb < MIN_MEMORY_MB || config.memoryMb % MIN_MEMORY_MB !== 0) {
    throw VimFault.invalidArgument(`${path}memory_mb`, `must be a multiple of ${MIN_MEMORY_MB} and at least ${MIN_MEMORY_MB}, is ${config.memoryMb}`);
  }
  if (config.memoryMb > MAX_MEMORY_MB) throw VimFault.invalidArgument(`${path}memory_mb`, `must be at most ${MAX_MEMORY_MB}, is ${config.memoryMb}`);
  checkAllocation(config.cpuAllocation, `${path}cpu_allocation`);
  checkAllocation(config.memoryAllocation, `${path}memory_allocation`);
  const reservedMb = config.memoryAllocation?.reservation ?? 0;
  if (reservedMb > config.memoryMb) throw VimFault.invalidArgument(`${path}memory_allocation.reservation`, `${reservedMb} MB is more than the memory of ${config.memoryMb} MB`);
  checkActivity(config.activity, config.memoryMb, `${path}activity`);
  return {
    ...config,
    overheadMemoryMb: memoryOverheadMb(config.numCpus, config.memoryMb),
    cpuAllocation: completeAllocation(config.cpuAllocation, (level) => vmCpuShares(level, config.numCpus)),
    memoryAllocation: completeAllocation(config.memoryAllocation, (level) => vmMemoryShares(level, config.memoryMb)),
  };
}

function completeAllocation(info: ResourceAllocationInfo | undefined, sharesOf: (level: PresetLevel) => number): ResourceAllocationInfo {
  return {
    reservation: info?.reservation ?? 0,
    expandableReservation: false,
    limit: info?.limit ?? -1,
    shares: completeShares(info?.shares, sharesOf),
  };
}

/**
 * The config under which a VM is created: with uuids drawn for its moid, so the same seed gives the same ones whatever happened
 * before, and disks on a datastore of the host. The uuids are joined, not added up, as Dice does it.
 */
export function identify(config: VirtualMachineConfigSpec, moid: string, dice: Dice, datastore: string): VirtualMachineConfigSpec {
  const own = dice.fork(`vm/${moid}`);
  const instanceUuid = ["52", own.uuid().slice(2)].join("");
  const uuid = ["50", own.uuid().slice(2)].join("");
  const devices = config.devices.map((device): VirtualDevice => {
    if (device.backing?.$case !== "disk") return device;
    const disk = device.backing.value;
    return { ...device, backing: { $case: "disk", value: { ...disk, uuid: diskUuid(own), datastore: disk.datastore === "" ? datastore : disk.datastore } } };
  });
  return sharingParts({ ...config, instanceUuid, uuid, devices });
}

/** A uuid in VMDK spelling, such as `6000C29f-15c9-c1c1-ea28-c90890ee7804`. */
function diskUuid(dice: Dice): string {
  const digits = dice.hex(25);
  return [`6000C29${digits.slice(0, 1)}`, digits.slice(1, 5), digits.slice(5, 9), digits.slice(9, 13), digits.slice(13)].join("-");
}

/** The uuid of a VM's first disk; empty without one. */
export function firstDiskUuid(config: VirtualMachineConfigSpec): string {
  for (const { backing } of config.devices) if (backing?.$case === "disk") return backing.value.uuid;
  return "";
}
