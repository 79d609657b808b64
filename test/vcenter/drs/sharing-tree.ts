import { SharesLevel } from "../../../src/gen/spheresim/vim/v1/resource.js";
import { allocateClusterTree, type ClusterTree } from "../../../src/vcenter/drs/entitlement/cluster-tree.js";
import { poolCpuShares, poolMemoryShares, type PresetLevel } from "../../../src/vcenter/drs/shares.js";
import type { GoldenLevel, Sharing } from "./golden.js";

const LEVELS: Readonly<Record<GoldenLevel, PresetLevel>> = { low: SharesLevel.LOW, normal: SharesLevel.NORMAL, high: SharesLevel.HIGH };
/** No VM's size bounds where the source leaves it out. */
const UNSTATED = 1000;

/** A golden's cluster as columns, and the rows its names stand for. */
export interface SharingTree {
  readonly tree: ClusterTree;
  readonly pools: ReadonlyMap<string, number>;
  readonly vms: ReadonlyMap<string, readonly number[]>;
}

/** The shares a golden's level stands for. */
export function presetLevel(level: GoldenLevel): PresetLevel {
  return LEVELS[level];
}

/** GHz become MHz, GB become MB. */
export function sharingTree(golden: Sharing): SharingTree {
  const count = golden.vms.reduce((sum, vm) => sum + (vm.count ?? 1), 0);
  const tree = allocateClusterTree({ cpuMhz: golden.capacity * 1000, memoryMb: golden.capacity * 1024 }, golden.pools.length + 1, count);
  const pools = new Map([["root", 0]]);
  tree.pools.scalesShares[0] = golden.scalesShares === true ? 1 : 0;
  for (const [index, { name, cpu, memory }] of golden.pools.entries()) {
    tree.pools.cpu.shares[index + 1] = poolCpuShares(presetLevel(cpu));
    tree.pools.memory.shares[index + 1] = poolMemoryShares(presetLevel(memory));
    pools.set(name, index + 1);
  }
  const vms = new Map<string, number[]>();
  let row = 0;
  for (const vm of golden.vms) {
    const rows = Array.from({ length: vm.count ?? 1 }, () => row++);
    vms.set(vm.name, rows);
    for (const each of rows) {
      const { cpu, memory } = tree.vms;
      tree.vms.pool[each] = pools.get(vm.pool ?? "root") ?? -1;
      tree.vms.poweredOn[each] = 1;
      cpu.shares[each] = vm.cpuShares ?? 0;
      memory.shares[each] = vm.memoryShares ?? 0;
      cpu.sizeMhz[each] = UNSTATED * 1000;
      memory.sizeMb[each] = (vm.sizeGb ?? UNSTATED) * 1024;
      cpu.demandMhz[each] = (vm.demand ?? UNSTATED) * 1000;
      memory.activeMb[each] = (vm.demand ?? vm.sizeGb ?? UNSTATED) * 1024;
      memory.consumedMb[each] = memory.activeMb[each];
    }
  }
  return { tree, pools, vms };
}
