import assert from "node:assert/strict";
import { test } from "node:test";
import { SharesLevel } from "../../../src/gen/spheresim/vim/v1/resource.js";
import { clusterStatus } from "../../../src/vcenter/drs/cluster-status.js";
import { type Entitlements, entitlements } from "../../../src/vcenter/drs/entitlement/entitlement.js";
import { adjustedSharesPerMb } from "../../../src/vcenter/drs/entitlement/idle-tax.js";
import { memoryDemandMb } from "../../../src/vcenter/drs/memory-demand.js";
import { memoryOverheadMb } from "../../../src/vcenter/drs/memory-overhead.js";
import { sizePod } from "../../../src/vcenter/drs/pod-size.js";
import { poolCpuShares, poolMemoryShares, vmCpuShares, vmMemoryShares } from "../../../src/vcenter/drs/shares.js";
import { swapFileMb } from "../../../src/vcenter/drs/swap-file.js";
import type { Golden, Sharing, SharingResult } from "./golden.js";
import { GB, memoryHost, reserving35 } from "./golden-hosts.js";
import { chosenName, surveyOf } from "./host-rows.js";
import { goldenTree, memory, memoryPool } from "./golden-pools.js";
import { evenTax, idleTax, lostHost, memoryDemand, overheads, poolTrees, shareLevels, sharings, sizings, swapFile, threeHosts, vmShares } from "./goldens.js";
import { presetLevel, type SharingTree, sharingTree } from "./sharing-tree.js";

/** A test named after its golden and source. */
function golden<G extends Golden>(of: G, check: (golden: G) => void): void {
  test(`${of.name} (${of.source}; ${of.known})`, () => check(of));
}

golden(threeHosts, ({ hosts, wanted, chosen, unreservedThen }) => {
  assert.equal(reserving35.reserved.memoryMb, wanted * GB);
  const golden = hosts.map(({ name, reserved, active }) => memoryHost(name, reserved, active));
  assert.equal(chosenName(reserving35, golden, 1), chosen);
  const survey = surveyOf(reserving35, golden);
  assert.equal(survey.ruledOutCount, 0);
  const unreserved = [...survey.ranking(Infinity)].map((index) => [golden[index]?.name, (survey.parts(index).find((part) => part.name === "memory unreserved after placement")?.raw ?? 0) / GB]);
  assert.deepEqual(Object.fromEntries(unreserved), unreservedThen);
});

for (const sizing of sizings) {
  golden(sizing, (of) => {
    const config = sizePod({ name: "p", ownerUid: "uid", containers: of.containers, initContainers: [], overheadCpuMilli: 0, overheadMemoryBytes: 0n }, 2600);
    assert.deepEqual([config.numCpus, config.memoryMb, config.overheadMemoryMb], [of.numCpus, of.memoryMb, of.overheadMemoryMb]);
    assert.deepEqual([config.cpuAllocation?.shares?.shares, config.memoryAllocation?.shares?.shares], [of.cpuShares, of.memoryShares]);
    assert.deepEqual([config.cpuAllocation?.reservation, config.memoryAllocation?.reservation], [(of.reservedCpuMilli * 2600) / 1000, of.reservedMemoryMb]);
    assert.equal(config.cpuAllocation?.shares?.level, SharesLevel.NORMAL);
    assert.equal(config.guestId, "crxPod1Guest");
  });
}

golden(overheads, ({ rows, numCpus }) => {
  for (const { memoryMb, overheadMb } of rows) assert.deepEqual(numCpus.map((cpus) => memoryOverheadMb(cpus, memoryMb)), overheadMb.map(Math.ceil));
});

for (const poolTree of poolTrees) {
  golden(poolTree, ({ pools, used, unreserved, admitted, refused }) => {
    const tree = goldenTree(pools);
    for (const { name, vms = [] } of pools) {
      for (const vm of vms) {
        assert.equal(tree.shortage(name, memory(vm)), undefined, `a VM of ${vm} fits into ${name}`);
        tree.reserve(name, memory(vm));
      }
    }
    for (const [name, amount] of Object.entries(used ?? {})) assert.equal(tree.used(name).memoryMb, amount, `used of ${name}`);
    for (const [name, amount] of Object.entries(unreserved ?? {})) assert.equal(tree.unreserved(name).memoryMb, amount, `unreserved of ${name}`);
    if (admitted !== undefined) assert.equal(tree.shortage(admitted.pool, memory(admitted.wanted)), undefined);
    if (refused !== undefined) assert.deepEqual(tree.shortage(refused.pool, memory(refused.wanted)), { resource: "memoryMb", unreserved: refused.unreserved, requested: refused.wanted });
  });
}

golden(lostHost, ({ capacity, capacityThen, pools, dies, runningThen, promised, status, statusThen }) => {
  const tree = goldenTree([{ name: "root", reserved: capacity, expandable: false }, ...pools]);
  for (const { name, vms = [] } of pools) for (const vm of vms) tree.reserve(name, memory(vm));
  assert.equal(clusterStatus(tree, "root"), status);
  for (const { pool, reserved } of dies) tree.reserve(pool, memory(-reserved));
  tree.configure("root", memoryPool(capacityThen, false));
  assert.equal([...tree.within("root")].reduce((sum, pool) => sum + tree.reservedByVms(pool).memoryMb, 0), runningThen);
  assert.equal(tree.used("root").memoryMb, promised);
  assert.equal(clusterStatus(tree, "root"), statusThen);
});

golden(swapFile, ({ memoryMb, reservationMb, swapMb }) => assert.equal(swapFileMb(memoryMb, reservationMb), swapMb));

golden(shareLevels, ({ levels }) => {
  for (const { level, perCpu, perMb, poolCpu, poolMemory } of levels) {
    const preset = presetLevel(level);
    assert.deepEqual([vmCpuShares(preset, 1), vmMemoryShares(preset, 1), poolCpuShares(preset), poolMemoryShares(preset)], [perCpu, perMb, poolCpu, poolMemory]);
  }
});

for (const vm of vmShares) {
  golden(vm, ({ numCpus, memoryMb, cpuShares, memoryShares }) => {
    assert.deepEqual([vmCpuShares(SharesLevel.NORMAL, numCpus), vmMemoryShares(SharesLevel.NORMAL, memoryMb)], [cpuShares, memoryShares]);
  });
}

golden(memoryDemand, ({ activeMb, consumedMb, overheadMb, demandMb, byConsumedMb }) => {
  assert.equal(memoryDemandMb(activeMb, consumedMb, overheadMb), demandMb);
  assert.equal(memoryDemandMb(activeMb, consumedMb, overheadMb, "consumed"), byConsumedMb);
});

golden(idleTax, ({ shares, pages, cases }) => {
  for (const { activeFraction, price } of cases) assert.equal(adjustedSharesPerMb({ shares, heldMb: pages, activeFraction }), price);
});

golden(evenTax, ({ shares: [more, less], activeFraction, ratio }) => {
  const price = (shares: number): number => adjustedSharesPerMb({ shares, heldMb: 100, activeFraction });
  assert.equal(price(more) / price(less), ratio);
});

for (const sharing of sharings) {
  golden(sharing, (of) => {
    const built = sharingTree(of);
    const result = entitlements(built.tree);
    let checked = 0;
    if (of.cpu !== undefined) checked += checkSharing(of, built, result, "cpu", 1000, of.cpu);
    if (of.memory !== undefined) checked += checkSharing(of, built, result, "memory", 1024, of.memory);
    assert.ok(checked > 0, "the golden expects something");
  });
}

/** Compares as printed, to two places; gives how many figures there were. */
function checkSharing(of: Sharing, { pools, vms }: SharingTree, result: Entitlements, resource: "cpu" | "memory", unit: number, expected: SharingResult): number {
  const close = (actual: number | undefined, wanted: number, what: string): void => assert.ok(Math.abs((actual ?? NaN) - wanted) <= 0.005 + 1e-9, `${resource} ${what}: ${actual}, published ${wanted}`);
  const each = (figures: Readonly<Record<string, number>> | undefined, scale: number, what: string): number => {
    for (const [name, wanted] of Object.entries(figures ?? {})) {
      const pool = pools.get(name);
      const got = pool === undefined ? (vms.get(name) ?? []).map((row) => result.vms[resource].entitled[row]) : [result.pools[resource].entitled[pool]];
      assert.ok(got.length > 0, `${name} stands in the tree`);
      for (const amount of got) close((amount ?? NaN) * scale, wanted, `${what} of ${name}`);
    }
    return Object.keys(figures ?? {}).length;
  };
  for (const [name, wanted] of Object.entries(expected.shares ?? {})) assert.equal(result.pools[resource].shares[pools.get(name) ?? -1], wanted, `${resource} shares of ${name}`);
  return each(expected.entitled, 1 / unit, "entitlement") + each(expected.percent, 100 / (of.capacity * unit), "percent") + Object.keys(expected.shares ?? {}).length;
}
