import { withIdlePart } from "../drs/memory-demand.js";
import type { ClusterTree } from "../drs/entitlement/cluster-tree.js";
import type { MovableColumns } from "../drs/pass/pass-input.js";
import { POD_GUEST_ID } from "../drs/vm-shape.js";
import type { Inventory } from "../inventory/inventory.js";
import { moidNumber } from "../inventory/moid-counters.js";
import type { HostRecord, VmRecord } from "../store/records.js";
import { setAllocation } from "./pool-rows.js";

/** The columns of VMs beyond those of the tree, every VM off. */
export function movableColumns(vms: number): MovableColumns {
  return {
    headsFor: new Int32Array(vms).fill(-1),
    movable: new Uint8Array(vms),
    numCpus: new Int32Array(vms),
    usesMhz: new Float64Array(vms),
    number: new Float64Array(vms),
    need: new Int32Array(vms),
  };
}

/**
 * Reads a VM that runs, or is to run, into its row; its host, pool, need and whether it may move are the caller's to set. A vSphere Pod has
 * the demand that placement expects of it (demand.ts), since what its containers use is not known here.
 */
export function readVm(inventory: Inventory, vm: VmRecord, host: HostRecord, tree: ClusterTree, columns: MovableColumns, row: number): void {
  const { config, moid } = vm;
  const { cpu, memory } = tree.vms;
  columns.number[row] = moidNumber(moid);
  columns.numCpus[row] = config.numCpus;
  setAllocation(cpu, row, config.cpuAllocation);
  setAllocation(memory, row, config.memoryAllocation);
  const sizeMhz = config.numCpus * host.spec.cpuMhz;
  cpu.sizeMhz[row] = sizeMhz;
  memory.sizeMb[row] = config.memoryMb;
  memory.overheadMb[row] = config.overheadMemoryMb;
  // What a disconnected host runs is not known, and its capacity is not there to be divided. A record that was replaced meanwhile is metered no more.
  if (!vm.isOn || host.disconnected || inventory.findVm(moid) !== vm) return;
  tree.vms.poweredOn[row] = 1;
  let usesMhz: number;
  if (config.guestId === POD_GUEST_ID) {
    usesMhz = withIdlePart(config.cpuAllocation?.reservation ?? 0, sizeMhz);
    memory.activeMb[row] = config.memoryAllocation?.reservation ?? 0;
    memory.consumedMb[row] = config.memoryMb;
  } else {
    const use = inventory.meter.read(vm);
    usesMhz = use?.cpuMhz ?? 0;
    memory.activeMb[row] = use?.memoryMb ?? 0;
    memory.consumedMb[row] = use?.consumedMemoryMb ?? 0;
  }
  columns.usesMhz[row] = usesMhz;
  cpu.demandMhz[row] = Math.min(sizeMhz, usesMhz);
}
