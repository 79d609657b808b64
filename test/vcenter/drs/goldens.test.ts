import assert from "node:assert/strict";
import { test } from "node:test";
import { Dice } from "../../../src/base/seeded-random.js";
import { SharesLevel } from "../../../src/gen/spheresim/vim/v1/resource.js";
import type { HostCandidate } from "../../../src/vcenter/drs/host-candidate.js";
import { memoryOverheadMb } from "../../../src/vcenter/drs/memory-overhead.js";
import { place } from "../../../src/vcenter/drs/place.js";
import { type ContainerAsk, sizePod } from "../../../src/vcenter/drs/pod-size.js";
import { PoolTree, type PoolAllocation } from "../../../src/vcenter/drs/pool-tree.js";
import type { VmShape } from "../../../src/vcenter/drs/vm-shape.js";
import { overheads, poolTrees, sizings, threeHosts } from "./goldens.js";

const GB = 1024;

function host(moid: string, reservedGb: number, activeGb: number): HostCandidate {
  const zero = { cpuMhz: 0, memoryMb: 0 };
  return {
    moid,
    name: moid,
    cores: 16,
    coreMhz: 2600,
    memoryMb: 100 * GB,
    reach: "connected",
    poweredOn: true,
    inMaintenanceMode: false,
    inQuarantineMode: false,
    datastores: new Set(),
    networks: new Set(),
    account: {
      capacity: { cpuMhz: 16 * 2600, memoryMb: 100 * GB },
      reserved: { cpuMhz: 0, memoryMb: reservedGb * GB },
      active: { ...zero, memoryMb: activeGb * GB },
      demand: { ...zero, memoryMb: activeGb * GB },
      poweredOnVms: 1,
    },
  };
}

const reserving35: VmShape = { isPod: true, numCpus: 1, memoryMb: 35 * GB, reserved: { cpuMhz: 0, memoryMb: 35 * GB }, overheadMemoryMb: 0, activity: undefined, datastores: [], networks: [] };

test(`${threeHosts.name}: DRS picks ${threeHosts.chosen}, where reservations alone tie B and C (${threeHosts.source})`, () => {
  const decision = place(reserving35, threeHosts.hosts.map(({ name, reserved, active }) => host(name, reserved, active)), new Dice(1));
  assert.equal(decision.chosen?.host.name, threeHosts.chosen);
  assert.equal(decision.ruledOut.length, 0);
  const unreserved = decision.feasible.map((each) => [each.host.name, (each.score.parts.find((part) => part.name === "memory unreserved after placement")?.raw ?? 0) / GB]);
  assert.deepEqual(Object.fromEntries(unreserved), threeHosts.unreservedThen);
});

test("equal hosts are drawn by the dice, the same one for the same seed", () => {
  const hosts = [host("A", 0, 0), host("B", 0, 0), host("C", 0, 0)];
  const pick = (seed: number): string | undefined => place(reserving35, hosts, new Dice(seed)).chosen?.host.name;
  assert.equal(pick(7), pick(7));
  assert.equal(new Set(Array.from({ length: 40 }, (_, seed) => pick(seed))).size, 3);
});

test("the order in which hosts come does not change the draw", () => {
  const hosts = [host("A", 0, 0), host("B", 0, 0), host("C", 0, 0)];
  for (let seed = 0; seed < 20; seed += 1) {
    const pick = (order: readonly HostCandidate[]): string | undefined => place(reserving35, order, new Dice(seed)).chosen?.host.name;
    assert.equal(pick([...hosts].reverse()), pick(hosts));
  }
});

const MIB = 1024n * 1024n;

function size(containers: readonly ContainerAsk[], initContainers: readonly ContainerAsk[] = []): ReturnType<typeof sizePod> {
  return sizePod({ name: "p", ownerUid: "uid", containers, initContainers, overheadCpuMilli: 0, overheadMemoryBytes: 0n }, 2600);
}

for (const golden of sizings) {
  test(`sizing, ${golden.name} (${golden.source}; ${golden.known})`, () => {
    const config = size(golden.containers);
    assert.deepEqual([config.numCpus, config.memoryMb, config.overheadMemoryMb], [golden.numCpus, golden.memoryMb, golden.overheadMemoryMb]);
    assert.deepEqual([config.cpuAllocation?.shares?.shares, config.memoryAllocation?.shares?.shares], [golden.cpuShares, golden.memoryShares]);
    assert.deepEqual([config.cpuAllocation?.reservation, config.memoryAllocation?.reservation], [(golden.reservedCpuMilli * 2600) / 1000, golden.reservedMemoryMb]);
    assert.equal(config.cpuAllocation?.shares?.level, SharesLevel.NORMAL);
    assert.equal(config.guestId, "crxPod1Guest");
  });
}

test("init containers count when one of them is larger than the sum; memory goes up to 4 MB", () => {
  const config = size([{ requestMemoryBytes: 600n * MIB }], [{ requestCpuMilli: 3000 }, { requestMemoryBytes: 1025n * MIB }]);
  assert.equal(config.numCpus, 3);
  assert.equal(config.memoryMb, 1028);
  assert.equal(config.cpuAllocation?.reservation, 7800);
  assert.equal(config.memoryAllocation?.reservation, 1025);
});

test("memory overhead: the points of vSphere's table, and lines between them", () => {
  for (const { memoryMb, overheadMb } of overheads.rows) assert.deepEqual(overheads.numCpus.map((cpus) => memoryOverheadMb(cpus, memoryMb)), overheadMb.map(Math.ceil));
  assert.equal(memoryOverheadMb(1, 512), 23);
  assert.ok(memoryOverheadMb(3, 1024) > memoryOverheadMb(2, 1024) && memoryOverheadMb(3, 1024) < memoryOverheadMb(4, 1024));
  assert.ok(memoryOverheadMb(1, 4) > 0);
  assert.ok(memoryOverheadMb(64, 524_288) > memoryOverheadMb(8, 16_384));
});

function pool(reservation: number, expandable: boolean, limit = Infinity): PoolAllocation {
  return { reservation: { cpuMhz: 0, memoryMb: reservation }, limit: { cpuMhz: Infinity, memoryMb: limit }, expandable: { cpuMhz: true, memoryMb: expandable } };
}

const memory = (memoryMb: number): { cpuMhz: number; memoryMb: number } => ({ cpuMhz: 0, memoryMb });

for (const golden of poolTrees) {
  test(`pools ${golden.name} (${golden.source}; ${golden.known})`, () => {
    const tree = new PoolTree();
    for (const { name, parent, reserved, expandable } of golden.pools) tree.add(name, parent, pool(reserved, expandable));
    for (const { name, vms = [] } of golden.pools) {
      for (const vm of vms) {
        assert.equal(tree.shortage(name, memory(vm)), undefined, `a VM of ${vm} fits into ${name}`);
        tree.reserve(name, memory(vm));
      }
    }
    for (const [name, used] of Object.entries(golden.used ?? {})) assert.equal(tree.used(name).memoryMb, used, `used of ${name}`);
    for (const [name, unreserved] of Object.entries(golden.unreserved ?? {})) assert.equal(tree.unreserved(name).memoryMb, unreserved, `unreserved of ${name}`);
    if (golden.admitted !== undefined) assert.equal(tree.shortage(golden.admitted.pool, memory(golden.admitted.wanted)), undefined);
    const { refused } = golden;
    if (refused !== undefined) assert.deepEqual(tree.shortage(refused.pool, memory(refused.wanted)), { resource: "memoryMb", unreserved: refused.unreserved, requested: refused.wanted });
  });
}

test("a pool without reservation that is not expandable powers nothing on: every VM has overhead", () => {
  const tree = new PoolTree();
  tree.add("root", undefined, pool(100, false));
  tree.add("shut", "root", pool(0, false));
  assert.deepEqual(tree.shortage("shut", memory(23)), { resource: "memoryMb", unreserved: 0, requested: 23 });
});

test("a limit stops an expandable pool; changed settings are admitted by the parent", () => {
  const tree = new PoolTree();
  tree.add("root", undefined, pool(100, false));
  tree.add("limited", "root", pool(0, true, 30));
  tree.reserve("limited", memory(25));
  assert.equal(tree.shortage("limited", memory(6))?.unreserved, 5);
  assert.equal(tree.shortageOf("limited", pool(100, true)), undefined);
  assert.deepEqual(tree.shortageOf("limited", pool(101, true)), { resource: "memoryMb", unreserved: 75, requested: 76 });
  assert.deepEqual(tree.shortageOf("limited", pool(20, false)), { resource: "memoryMb", unreserved: 20, requested: 25 });
  tree.configure("limited", pool(60, true));
  assert.equal(tree.used("root").memoryMb, 60);
  tree.reserve("limited", memory(-25));
  tree.remove("limited");
  assert.equal(tree.used("root").memoryMb, 0);
});
