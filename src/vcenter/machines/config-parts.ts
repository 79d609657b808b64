import type { ResourceAllocationInfo } from "../../gen/spheresim/vim/v1/resource.js";
import type { VirtualDevice, VirtualMachineConfigSpec } from "../../gen/spheresim/vim/v1/virtual_machine.js";
import { Alike } from "../inventory/alike.js";

const allocations = new Alike<ResourceAllocationInfo>();
const devicesAlike = new Alike<VirtualDevice>();
const texts = new Alike<string>();
const NO_EXTRA_CONFIG: VirtualMachineConfigSpec["extraConfig"] = {};
const NO_DEVICES: VirtualDevice[] = [];

/**
 * The same config, with what many VMs have alike taken from one place in memory: allocations, devices without an identity of their own, what is
 * empty, and names that recur. A VM of a deployment keeps to itself only what tells it from its siblings, which takes a quarter off what a
 * hundred thousand of them need. Configs on record are replaced, never changed in place, so nobody sees the difference.
 *
 * Example: of two pods of one deployment the names, uuids and disks are two, the network card, the reservations and the shares are one.
 */
export function sharingParts(config: VirtualMachineConfigSpec): VirtualMachineConfigSpec {
  return {
    ...config,
    guestId: texts.one(config.guestId, config.guestId),
    cpuAllocation: config.cpuAllocation && sharedAllocation(config.cpuAllocation),
    memoryAllocation: config.memoryAllocation && sharedAllocation(config.memoryAllocation),
    devices: config.devices.length === 0 ? NO_DEVICES : config.devices.map((device) => sharedDevice(device)),
    extraConfig: Object.keys(config.extraConfig).length === 0 ? NO_EXTRA_CONFIG : config.extraConfig,
  };
}

function sharedAllocation(allocation: ResourceAllocationInfo): ResourceAllocationInfo {
  const { reservation, expandableReservation, limit, shares } = allocation;
  return allocations.one(`${reservation}/${expandableReservation}/${limit}/${shares?.level}/${shares?.shares}`, allocation);
}

function sharedDevice(device: VirtualDevice): VirtualDevice {
  const { key, backing } = device;
  if (backing?.$case === "ethernetCard" && backing.value.macAddress === "") {
    return devicesAlike.one(JSON.stringify([key, backing.value.cardType, backing.value.network]), device);
  }
  if (backing?.$case !== "disk") return device;
  const { value: disk } = backing;
  return { ...device, backing: { $case: "disk", value: { ...disk, datastore: texts.one(disk.datastore, disk.datastore), controller: texts.one(disk.controller, disk.controller) } } };
}
