import { Dice } from "../../../src/base/seeded-random.js";
import { allocateClusterTree, type ClusterTree } from "../../../src/vcenter/drs/entitlement/cluster-tree.js";

/** A size to measure. */
export interface BenchSize {
  readonly vms: number;
  readonly pools: number;
  readonly hosts: number;
}

/** One pool for some fifty VMs and one host for twenty, as in the inventories that the budgets speak of. */
export function benchSize(vms: number): BenchSize {
  return { vms, pools: Math.min(2000, Math.max(5, Math.round(vms / 50))), hosts: Math.max(1, Math.round(vms / 20)) };
}

/** Pools by depth below the root: a few departments, most pools at the bottom. */
const DEPTHS = [0.01, 0.04, 0.15, 0.8];
/** Capacity as part of what all VMs demand: short enough that shares decide. */
const SCARCITY = 0.7;
const CORE_MHZ = 2600;

/**
 * A cluster as one finds them, the same for the same seed: pools four deep, VMs of 1 to 8 vCPUs mostly at the bottom, some reserved, some
 * limited, one in ten off, half of them nearly idle, and too little of everything.
 */
export function benchCluster({ vms, pools, hosts }: BenchSize, seed = 1): ClusterTree {
  const dice = new Dice(seed);
  const tree = allocateClusterTree({ cpuMhz: 0, memoryMb: 0 }, pools + 1, vms);
  const level = (): number => dice.pick([1, 2, 2, 2, 4]);
  let above: readonly number[] = [0];
  let row = 1;
  for (const [depth, part] of DEPTHS.entries()) {
    const end = depth === DEPTHS.length - 1 ? pools + 1 : Math.min(pools + 1, row + Math.max(1, Math.round(pools * part)));
    const here: number[] = [];
    for (; row < end; row += 1) {
      here.push(row);
      tree.pools.parent[row] = dice.pick(above);
      tree.pools.cpu.shares[row] = 2000 * level();
      tree.pools.memory.shares[row] = 81_920 * level();
      if (dice.next() < 0.05) tree.pools.memory.limit[row] = 65_536;
    }
    if (here.length > 0) above = here;
  }
  let demandMhz = 0;
  let heldMb = 0;
  for (let vm = 0; vm < vms; vm += 1) {
    const cpus = dice.pick([1, 1, 2, 2, 4, 8]);
    const sizeMb = cpus * dice.pick([1024, 2048, 4096]);
    const busy = dice.next() < 0.5 ? dice.next() : dice.next() * 0.05;
    const reserves = dice.next() < 0.1;
    const { cpu, memory } = tree.vms;
    tree.vms.pool[vm] = dice.next() < 0.05 ? dice.int(pools + 1) : dice.pick(above);
    tree.vms.host[vm] = dice.int(hosts);
    tree.vms.poweredOn[vm] = dice.next() < 0.9 ? 1 : 0;
    cpu.sizeMhz[vm] = cpus * CORE_MHZ;
    cpu.demandMhz[vm] = cpus * CORE_MHZ * busy;
    cpu.shares[vm] = cpus * 500 * level();
    cpu.reservation[vm] = reserves ? cpus * 250 : 0;
    memory.sizeMb[vm] = sizeMb;
    memory.consumedMb[vm] = sizeMb * (0.5 + dice.next() / 2);
    memory.activeMb[vm] = (memory.consumedMb[vm] as number) * busy;
    memory.shares[vm] = sizeMb * 5 * level();
    memory.reservation[vm] = reserves ? sizeMb / 4 : 0;
    memory.overheadMb[vm] = 20 + 8 * cpus;
    if (dice.next() < 0.05) memory.limit[vm] = sizeMb / 2;
    demandMhz += cpu.demandMhz[vm] as number;
    heldMb += ((memory.activeMb[vm] as number) + (memory.consumedMb[vm] as number)) / 2;
  }
  return { ...tree, capacity: { cpuMhz: demandMhz * SCARCITY, memoryMb: heldMb * SCARCITY } };
}

/** The hardest to divide: all VMs beside one another, shares of every order of magnitude, caps that fall as shares rise. */
export function flatCluster(vms: number): ClusterTree {
  const tree = allocateClusterTree({ cpuMhz: 0, memoryMb: 0 }, 1, vms);
  let wantedMhz = 0;
  for (let vm = 0; vm < vms; vm += 1) {
    const step = vm % 31;
    tree.vms.poweredOn[vm] = 1;
    tree.vms.cpu.shares[vm] = 2 ** step;
    tree.vms.cpu.sizeMhz[vm] = 2 ** (30 - step);
    tree.vms.cpu.demandMhz[vm] = 2 ** (30 - step);
    wantedMhz += 2 ** (30 - step);
  }
  return { ...tree, capacity: { cpuMhz: wantedMhz * SCARCITY, memoryMb: 0 } };
}
