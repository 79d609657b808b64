import { monotonicClock, wallClock } from "../../../src/base/clock.js";
import { Dice } from "../../../src/base/seeded-random.js";
import { Cluster, HostPowerState, HostSpec } from "../../../src/gen/spheresim/vcenter/v1/inventory.js";
import { PlacementSpec } from "../../../src/gen/spheresim/vcenter/v1/placement.js";
import { ResourceConfigSpec } from "../../../src/gen/spheresim/vim/v1/resource.js";
import { type VirtualDevice, VirtualMachineConfigSpec } from "../../../src/gen/spheresim/vim/v1/virtual_machine.js";
import { POD_GUEST_ID } from "../../../src/vcenter/drs/vm-shape.js";
import { Holds } from "../../../src/vcenter/placement/holds.js";
import { Inventory } from "../../../src/vcenter/inventory/inventory.js";
import { showObject } from "../../../src/vcenter/inventory/inventory-view.js";
import { Journal } from "../../../src/vcenter/placement/journal.js";
import { moref } from "../../../src/vcenter/inventory/moref.js";
import { HostChoice } from "../../../src/vcenter/placement/host-choice.js";
import { Placements } from "../../../src/vcenter/placement/placements.js";
import { completeConfig } from "../../../src/vcenter/clusters/pool-allocation.js";
import type { VmRecord } from "../../../src/vcenter/store/records.js";
import { completeVmConfig, identify } from "../../../src/vcenter/machines/vm-config.js";

/** VMs on each host of a warm cluster: four of five are pods. */
export const VMS_PER_HOST = 20;

const DEVICES: readonly VirtualDevice[] = [
  { key: 1, backing: { $case: "disk", value: { controller: "pvscsi", capacityKb: 1024n, datastore: "vsan", uuid: "" } } },
  { key: 2, backing: { $case: "ethernetCard", value: { cardType: "vmxnet3", network: "workload", macAddress: "" } } },
];

/** A vCenter's memory without its wires: what decides about placements. */
export interface WarmCluster {
  readonly inventory: Inventory;
  readonly holds: Holds;
  readonly placements: Placements;
}

/** A cluster of equal hosts, unequally used, that all answer. */
export function warmCluster(hosts: number): WarmCluster {
  const clock = wallClock();
  const inventory = new Inventory(1n, showObject, clock);
  inventory.putDatacenter({ ref: moref("Datacenter", "datacenter-1"), name: "dc-01" });
  const root = { moid: "resgroup-1", name: "Resources", parent: undefined, config: completeConfig(undefined, "config"), namespace: "" };
  inventory.putCluster(Cluster.fromPartial({ ref: moref("ClusterComputeResource", "domain-c1"), name: "cluster-01", datacenter: moref("Datacenter", "datacenter-1"), rootPool: moref("ResourcePool", root.moid) }), root);
  for (let host = 0; host < hosts; host += 1) {
    const spec = HostSpec.fromPartial({ name: hostName(host), numCpuCores: 64, cpuMhz: 2600, memoryMb: 262_144, datastores: ["vsan"], networks: ["workload"] });
    inventory.putHost({ moid: `host-${host}`, spec, cluster: "domain-c1", address: "127.0.0.1:1", disconnected: false, inMaintenanceMode: false, inQuarantineMode: false, powerState: HostPowerState.POWERED_ON, responding: true });
  }
  const namespaces = { moid: "resgroup-2", name: "Namespaces", parent: root.moid, config: completeConfig(ResourceConfigSpec.create(), "config"), namespace: "" };
  inventory.putPool(namespaces);
  inventory.putPool({ moid: "resgroup-3", name: "team", parent: namespaces.moid, config: completeConfig(ResourceConfigSpec.create(), "config"), namespace: "team" });
  const dice = new Dice("warm cluster");
  for (let host = 0; host < hosts; host += 1) for (let each = 0; each < VMS_PER_HOST; each += 1) addVm(inventory, dice, host, host * VMS_PER_HOST + each);
  const holds = new Holds(inventory.ledger, monotonicClock());
  const placements = new Placements({ inventory, holds, clock, monotonic: monotonicClock(), choice: new HostChoice({ inventory, dice: new Dice("placements") }), journal: new Journal(undefined, clock), epoch: 1n });
  return { inventory, holds, placements };
}

/** `esxi-00042.spheresim.test`. */
export function hostName(host: number): string {
  return `esxi-${String(host).padStart(5, "0")}.spheresim.test`;
}

/** One of the pods of a deployment: they differ in name and owner. */
export function podSpec(number: number, change: Partial<PlacementSpec> = {}): PlacementSpec {
  const config = podConfig(`web-${number}`, "");
  return { ...PlacementSpec.fromPartial({ ownerUid: `uid-${number}`, namespace: "team" }), config, ...change };
}

function podConfig(name: string, ownerUid: string): VirtualMachineConfigSpec {
  return VirtualMachineConfigSpec.fromPartial({
    name,
    ownerUid,
    guestId: POD_GUEST_ID,
    numCpus: 2,
    memoryMb: 4096,
    cpuAllocation: { reservation: 500 },
    memoryAllocation: { reservation: 1024 },
    devices: DEVICES.map((device) => structuredClone(device)),
  });
}

function addVm(inventory: Inventory, dice: Dice, host: number, number: number): void {
  const moid = `vm-${number}`;
  const isPod = number % 5 !== 0;
  const ownerUid = isPod ? `00000000-0000-4000-8000-${String(number).padStart(12, "0")}` : "";
  const activity = { profile: { $case: "constant" as const, value: { cpuMhz: dice.int(4000), memoryMb: dice.int(8192) } } };
  const plain = isPod ? podConfig(`pod-${number}`, ownerUid) : VirtualMachineConfigSpec.fromPartial({ name: `vm-${number}`, guestId: "otherGuest64", numCpus: 4, memoryMb: 8192, activity });
  const vm: VmRecord = { moid, config: identify(completeVmConfig(plain, "config"), moid, dice, "vsan"), host: `host-${host}`, pool: isPod ? "resgroup-3" : "resgroup-1", createDate: undefined, wantedOn: true, isOn: true, onHost: true };
  inventory.putVm(vm);
  if (isPod) inventory.putOwner({ uid: ownerUid, vm: moid, task: `task-${number}` });
}
