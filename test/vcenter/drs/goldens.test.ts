import assert from "node:assert/strict";
import { SharesLevel } from "../../../src/gen/spheresim/vim/v1/resource.js";
import { quotaLimits } from "../../../src/controllers/quota-limits.js";
import { poolAnnotations } from "../../../src/controllers/resource-pool-controller.js";
import type { Container } from "../../../src/kubernetes/container.js";
import { qosClassOf } from "../../../src/kubernetes/qos-class.js";
import type { ResourceQuota } from "../../../src/kubernetes/resource-policy.js";
import { clusterStatus } from "../../../src/vcenter/drs/cluster-status.js";
import { type Entitlements, entitlements } from "../../../src/vcenter/drs/entitlement/entitlement.js";
import { allocateClusterTree } from "../../../src/vcenter/drs/entitlement/cluster-tree.js";
import { DEFAULT_IDLE_TAX, idleCost } from "../../../src/vcenter/drs/entitlement/idle-tax.js";
import { memoryDemandMb } from "../../../src/vcenter/drs/memory-demand.js";
import { memoryOverheadMb } from "../../../src/vcenter/drs/memory-overhead.js";
import { type ContainerAsk, sizePod } from "../../../src/vcenter/drs/pod-size.js";
import { poolCpuShares, poolMemoryShares, vmCpuShares, vmMemoryShares } from "../../../src/vcenter/drs/shares.js";
import type { VmShape } from "../../../src/vcenter/drs/vm-shape.js";
import { swapFileMb } from "../../../src/vcenter/drs/swap-file.js";
import { golden } from "./golden-test.js";
import type { EvenTax, Sharing, SharingResult } from "./golden.js";
import { GB, memoryHost, reserving35 } from "./golden-hosts.js";
import { chosenName, surveyOf } from "./host-rows.js";
import { goldenTree, memory, memoryPool } from "./golden-pools.js";
import { evenTax, hostReserve, idleTax, lostHost, memoryDemand, namespaceLimits, overheads, poolTrees, shareLevels, sharings, sizings, swapFile, threeHosts, uncontended, vmShares } from "./goldens.js";
import { presetLevel, type SharingTree, sharingTree } from "./sharing-tree.js";

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
    assert.equal(qosClassOf({ containers: of.containers.map((ask, index) => containerOf(ask, `c-${index}`)) }), of.qosClass);
  });
}

function containerOf({ requestCpuMilli, limitCpuMilli, requestMemoryBytes, limitMemoryBytes }: ContainerAsk, name: string): Container {
  const resources = (cpu: number | undefined, memory: bigint | undefined): Record<string, string> => ({ ...(cpu === undefined ? {} : { cpu: `${cpu}m` }), ...(memory === undefined ? {} : { memory: String(memory) }) });
  return { name, image: "nginx", resources: { requests: resources(requestCpuMilli, requestMemoryBytes), limits: resources(limitCpuMilli, limitMemoryBytes) } };
}

golden(overheads, ({ rows, numCpus }) => {
  for (const { memoryMb, overheadMb } of rows) assert.deepEqual(numCpus.map((cpus) => memoryOverheadMb(cpus, memoryMb)), overheadMb.map(Math.ceil));
});

for (const poolTree of poolTrees) {
  golden(poolTree, ({ pools, used, unreserved, own, admitted, refused }) => {
    const tree = goldenTree(pools);
    // What a pool has for its own VMs before any is there.
    for (const [name, amount] of Object.entries(own ?? {})) assert.equal(tree.allocation(name).reservation.memoryMb - tree.used(name).memoryMb, amount, `own of ${name}`);
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
  assert.equal(idleCost(DEFAULT_IDLE_TAX), 4);
  for (const { activeFraction, price } of cases) {
    // Beside a VM that is active all over, so that of the same shares it holds `shares / price` where both pay the same.
    const held = dividedMb([{ shares, activeMb: activeFraction * pages }, { shares, activeMb: UNBOUNDED_MB }], pages + shares / price);
    assert.deepEqual(held.map(Math.round), [pages, shares / price], `active ${activeFraction}`);
  }
});

golden(evenTax, ({ shares, activeFraction, ratio }: EvenTax) => {
  const held = [100 * ratio, 100] as const;
  assert.deepEqual(dividedMb([0, 1].map((index) => ({ shares: shares[index] ?? 0, activeMb: activeFraction * (held[index] ?? 0) })), held[0] + held[1]).map(Math.round), held);
});

const UNBOUNDED_MB = 100_000;

/** What VMs that touched far more than there is are entitled to of so much memory. */
function dividedMb(vms: readonly { readonly shares: number; readonly activeMb: number }[], capacityMb: number): number[] {
  const tree = allocateClusterTree({ cpuMhz: 0, memoryMb: capacityMb }, 1, vms.length);
  const { memory } = tree.vms;
  for (const [row, { shares, activeMb }] of vms.entries()) {
    tree.vms.poweredOn[row] = 1;
    memory.shares[row] = shares;
    memory.sizeMb[row] = UNBOUNDED_MB;
    memory.consumedMb[row] = UNBOUNDED_MB;
    memory.activeMb[row] = activeMb;
  }
  return [...entitlements(tree, { memoryMetric: "consumed" }).vms.memory.entitled];
}

golden(uncontended, ({ cases }) => {
  const tree = allocateClusterTree({ cpuMhz: 100_000, memoryMb: 100_000 }, 1, cases.length);
  for (const [row, { size, demand }] of cases.entries()) {
    tree.vms.poweredOn[row] = 1;
    tree.vms.cpu.sizeMhz[row] = size;
    tree.vms.cpu.demandMhz[row] = demand;
    tree.vms.memory.sizeMb[row] = size;
    tree.vms.memory.activeMb[row] = demand;
    tree.vms.memory.consumedMb[row] = demand;
  }
  const { cpu, memory } = entitlements(tree).vms;
  for (const { entitled } of [cpu, memory]) assert.deepEqual([...entitled], cases.map((each) => each.entitled));
});

golden(hostReserve, ({ reservationMb, overheadMb, leastUnreservedMb }) => {
  const vm: VmShape = { ...reserving35, memoryMb: 2 * reservationMb, reserved: memory(reservationMb + overheadMb), overheadMemoryMb: overheadMb };
  const unreserved = (mb: number): boolean => surveyOf(vm, [{ ...memoryHost("A", 0, 0), memoryMb: 8 * GB, reserved: memory(8 * GB - mb) }]).isFeasible(0);
  assert.deepEqual([unreserved(leastUnreservedMb), unreserved(leastUnreservedMb - 1)], [true, false]);
});

golden(namespaceLimits, ({ cpu, memory: memoryLimit, coreMhz, limitMhz, limitMb, annotations }) => {
  const quota: ResourceQuota = { apiVersion: "v1", kind: "ResourceQuota", metadata: { name: "team", uid: "", resourceVersion: "1", creationTimestamp: "" }, spec: { hard: { "limits.cpu": cpu, "limits.memory": memoryLimit } } };
  const { cpuLimitMhz = 0, memoryLimitMb = 0 } = quotaLimits([quota], coreMhz);
  assert.deepEqual([cpuLimitMhz, memoryLimitMb], [limitMhz, limitMb]);
  const written = poolAnnotations({ moid: "resgroup-443", namespace: "team", cpuLimitMhz, memoryLimitMb }, coreMhz);
  for (const [key, text] of Object.entries(annotations)) assert.equal(written[key], text, key);
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
