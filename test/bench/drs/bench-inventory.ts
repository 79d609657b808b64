import { Dice } from "../../../src/base/seeded-random.js";
import type { Clock } from "../../../src/base/clock.js";
import { DrsBehavior, HostPowerState, HostSpec } from "../../../src/gen/spheresim/vcenter/v1/inventory.js";
import { Cluster } from "../../../src/gen/spheresim/vcenter/v1/inventory.js";
import { VirtualMachineConfigSpec } from "../../../src/gen/spheresim/vim/v1/virtual_machine.js";
import { Inventory } from "../../../src/vcenter/inventory/inventory.js";
import { moref } from "../../../src/vcenter/inventory/moref.js";
import { completeConfig } from "../../../src/vcenter/clusters/pool-allocation.js";
import { completeVmConfig } from "../../../src/vcenter/machines/vm-config.js";
import type { BenchSize } from "./bench-cluster.js";

/** The moid of the only cluster. */
export const BENCH_CLUSTER = "domain-c8";
const CORES = 16;
const CORE_MHZ = 2600;
const MEMORY_MB = 262_144;

/** An inventory of one cluster in memory, the same for the same seed: half of the VMs nearly idle, one in ten a vSphere Pod, hosts unevenly loaded. */
export function benchInventory({ vms, pools, hosts }: BenchSize, clock: Clock, seed = 1): Inventory {
  const dice = new Dice(seed);
  const inventory = new Inventory(1n, () => undefined, clock);
  const drsConfig = { enabled: true, defaultVmBehavior: DrsBehavior.FULLY_AUTOMATED, migrationThreshold: 3, consumedMemoryMetric: false };
  const cluster = Cluster.fromPartial({ ref: moref("ClusterComputeResource", BENCH_CLUSTER), name: "bench", rootPool: moref("ResourcePool", "resgroup-9"), drsConfig });
  inventory.putCluster(cluster, { moid: "resgroup-9", name: "Resources", parent: undefined, config: completeConfig(undefined, "config"), namespace: "" });
  for (let pool = 0; pool < pools; pool += 1) {
    const parent = `resgroup-${pool < 10 ? 9 : 10 + dice.int(10)}`;
    inventory.putPool({ moid: `resgroup-${10 + pool}`, name: `pool-${pool}`, parent, config: completeConfig(undefined, "config"), namespace: "" });
  }
  for (let host = 0; host < hosts; host += 1) {
    const spec = HostSpec.fromPartial({ name: `esxi-${host}`, numCpuCores: CORES, cpuMhz: CORE_MHZ, memoryMb: MEMORY_MB, datastores: ["vsan"], networks: ["workload"] });
    inventory.putHost({ moid: `host-${21 + host}`, spec, cluster: BENCH_CLUSTER, address: "", disconnected: false, inMaintenanceMode: false, inQuarantineMode: false, powerState: HostPowerState.POWERED_ON, responding: true, evacuation: undefined });
  }
  for (let vm = 0; vm < vms; vm += 1) {
    const numCpus = dice.pick([1, 1, 2, 2, 4, 8]);
    const memoryMb = numCpus * dice.pick([1024, 2048, 4096]);
    const isPod = dice.next() < 0.1;
    const use = dice.next() < 0.5 ? dice.next() : dice.next() * 0.05;
    const activity = { profile: { $case: "constant" as const, value: { cpuMhz: Math.round(numCpus * CORE_MHZ * use), memoryMb: Math.round(memoryMb * use) } } };
    const partial = VirtualMachineConfigSpec.fromPartial({
      name: `vm-${vm}`,
      guestId: isPod ? "crxPod1Guest" : "otherGuest64",
      ownerUid: isPod ? `uid-${vm}` : "",
      numCpus,
      memoryMb,
      cpuAllocation: { reservation: isPod ? 200 : 0 },
      devices: [{ key: 1, backing: { $case: "disk", value: { datastore: "vsan" } } }],
      ...(isPod ? {} : { activity }),
    });
    const config = { ...completeVmConfig(partial, "config"), instanceUuid: `uuid-${vm}` };
    // The first tenth of the hosts has a third of the VMs.
    const host = dice.next() < 1 / 3 ? dice.int(Math.max(1, Math.round(hosts / 10))) : dice.int(hosts);
    inventory.putVm({ moid: `vm-${101 + vm}`, config, host: `host-${21 + host}`, pool: `resgroup-${10 + dice.int(pools)}`, createDate: undefined, wantedOn: dice.next() < 0.9, isOn: false, onHost: true });
  }
  for (const vm of inventory.vms) if (vm.wantedOn) inventory.putVm({ ...vm, isOn: true });
  return inventory;
}
