import { allocateClusterTree, type AllocationColumns, type ClusterTree } from "../../../../src/vcenter/drs/entitlement/cluster-tree.js";
import { fc } from "../../../support/properties.js";

/** One resource of a pool or VM, as a tree to test is drawn. */
export interface PlannedAllocation {
  readonly reservation: number;
  /** -1 is unlimited. */
  readonly limit: number;
  readonly shares: number;
}

export interface PlannedPool {
  /** -1 for the root. */
  readonly parent: number;
  readonly scalesShares: boolean;
  readonly cpu: PlannedAllocation;
  readonly memory: PlannedAllocation;
}

export interface PlannedVm {
  readonly pool: number;
  readonly poweredOn: boolean;
  readonly cpu: PlannedAllocation & { readonly sizeMhz: number; readonly demandMhz: number };
  readonly memory: PlannedAllocation & { readonly sizeMb: number; readonly activeMb: number; readonly consumedMb: number; readonly overheadMb: number };
}

/** A cluster in plain objects; index 0 of the pools is the root. */
export interface Plan {
  readonly capacity: { readonly cpuMhz: number; readonly memoryMb: number };
  readonly pools: readonly PlannedPool[];
  readonly vms: readonly PlannedVm[];
}

const amount = (max: number): fc.Arbitrary<number> => fc.oneof(fc.constant(0), fc.integer({ min: 0, max }));
const shares = fc.oneof(fc.constant(0), fc.constantFrom(500, 1000, 2000), fc.integer({ min: 1, max: 100_000 }));
const limit = fc.oneof({ weight: 2, arbitrary: fc.constant(-1) }, { weight: 1, arbitrary: fc.integer({ min: 0, max: 6000 }) });

function allocation(most: number): fc.Arbitrary<PlannedAllocation> {
  return fc.record({ reservation: amount(most), limit, shares }).map((drawn) => (drawn.limit === -1 ? drawn : { ...drawn, reservation: Math.min(drawn.reservation, drawn.limit) }));
}

const root: PlannedPool = { parent: -1, scalesShares: false, cpu: { reservation: 0, limit: -1, shares: 0 }, memory: { reservation: 0, limit: -1, shares: 0 } };

const pool = fc.record({ parent: fc.nat(), scalesShares: fc.boolean(), cpu: allocation(1500), memory: allocation(1500) });

const vm: fc.Arbitrary<PlannedVm> = fc.record({
  pool: fc.nat(),
  poweredOn: fc.oneof({ weight: 4, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
  cpu: fc.tuple(allocation(800), fc.integer({ min: 1, max: 4000 }), amount(5000)).map(([settings, sizeMhz, demandMhz]) => ({ ...settings, sizeMhz, demandMhz })),
  memory: fc
    .tuple(allocation(800), fc.integer({ min: 4, max: 4000 }), fc.nat({ max: 100 }), fc.nat({ max: 100 }), fc.nat({ max: 90 }))
    .map(([settings, sizeMb, consumed, active, overheadMb]) => ({ ...settings, sizeMb, consumedMb: (sizeMb * consumed) / 100, activeMb: (sizeMb * consumed * active) / 10_000, overheadMb })),
});

/** Small clusters of every kind: idle and short of everything, deep and flat, with and without shares. */
export const plans: fc.Arbitrary<Plan> = fc
  .record({ capacity: fc.record({ cpuMhz: amount(20_000), memoryMb: amount(20_000) }), pools: fc.array(pool, { maxLength: 6 }), vms: fc.array(vm, { maxLength: 12 }), clusterScales: fc.boolean() })
  .map(({ capacity, pools, vms, clusterScales }) => ({
    capacity,
    pools: [{ ...root, scalesShares: clusterScales }, ...pools.map((each, index) => ({ ...each, parent: each.parent % (index + 1) }))],
    vms: vms.map((each) => ({ ...each, pool: each.pool % (pools.length + 1) })),
  }));

/** The same cluster as columns. */
export function planTree({ capacity, pools, vms }: Plan): ClusterTree {
  const tree = allocateClusterTree(capacity, pools.length, vms.length);
  const settle = (columns: AllocationColumns, row: number, { reservation, limit, shares }: PlannedAllocation): void => {
    columns.reservation[row] = reservation;
    columns.limit[row] = limit;
    columns.shares[row] = shares;
  };
  for (const [row, each] of pools.entries()) {
    tree.pools.parent[row] = each.parent;
    tree.pools.scalesShares[row] = each.scalesShares ? 1 : 0;
    settle(tree.pools.cpu, row, each.cpu);
    settle(tree.pools.memory, row, each.memory);
  }
  for (const [row, each] of vms.entries()) {
    tree.vms.pool[row] = each.pool;
    tree.vms.poweredOn[row] = each.poweredOn ? 1 : 0;
    settle(tree.vms.cpu, row, each.cpu);
    settle(tree.vms.memory, row, each.memory);
    tree.vms.cpu.sizeMhz[row] = each.cpu.sizeMhz;
    tree.vms.cpu.demandMhz[row] = each.cpu.demandMhz;
    tree.vms.memory.sizeMb[row] = each.memory.sizeMb;
    tree.vms.memory.activeMb[row] = each.memory.activeMb;
    tree.vms.memory.consumedMb[row] = each.memory.consumedMb;
    tree.vms.memory.overheadMb[row] = each.memory.overheadMb;
  }
  return tree;
}
