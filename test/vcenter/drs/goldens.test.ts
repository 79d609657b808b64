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

test("three hosts of 100 GB: DRS picks C, where reservations alone tie B and C (Scheduling vSphere Pods)", () => {
  const hosts = [host("A", 60, 60), host("B", 40, 70), host("C", 40, 45)];
  const decision = place(reserving35, hosts, new Dice(1));
  assert.equal(decision.chosen?.host.name, "C");
  assert.equal(decision.ruledOut.length, 0);
  const unreserved = new Map(decision.feasible.map((each) => [each.host.name, each.score.parts.find((part) => part.name === "memory unreserved after placement")?.raw]));
  assert.deepEqual([unreserved.get("A"), unreserved.get("B"), unreserved.get("C")], [5 * GB, 25 * GB, 25 * GB]);
});

test("equal hosts are drawn by the dice, the same one for the same seed", () => {
  const hosts = [host("A", 0, 0), host("B", 0, 0), host("C", 0, 0)];
  const pick = (seed: number): string | undefined => place(reserving35, hosts, new Dice(seed)).chosen?.host.name;
  assert.equal(pick(7), pick(7));
  assert.equal(new Set(Array.from({ length: 40 }, (_, seed) => pick(seed))).size, 3);
});

const MIB = 1024n * 1024n;

function size(containers: readonly ContainerAsk[], initContainers: readonly ContainerAsk[] = []): ReturnType<typeof sizePod> {
  return sizePod({ name: "p", ownerUid: "uid", containers, initContainers, overheadCpuMilli: 0n, overheadMemoryBytes: 0n }, 2600);
}

test("pods are sized as published (vSphere Supervisor Namespace; Scheduling vSphere Pods)", () => {
  const cases: readonly [string, readonly ContainerAsk[], readonly [number, number, number, number, number, number]][] = [
    ["one container, nothing set", [{}], [1, 512, 1000, 5120, 0, 0]],
    ["two containers, nothing set", [{}, {}], [1, 1024, 1000, 10240, 0, 0]],
    ["three containers, nothing set", [{}, {}, {}], [2, 1536, 2000, 15360, 0, 0]],
    ["cassandra-0", [{ requestCpuMilli: 500n, limitCpuMilli: 500n, requestMemoryBytes: 1024n * MIB, limitMemoryBytes: 1024n * MIB }], [1, 1024, 1000, 10240, 1300, 1024]],
    [
      "two containers, limit twice the request",
      [1, 2].map(() => ({ requestCpuMilli: 1000n, limitCpuMilli: 2000n, requestMemoryBytes: 1024n * MIB, limitMemoryBytes: 2048n * MIB })),
      [4, 4096, 4000, 40960, 5200, 2048],
    ],
  ];
  for (const [name, containers, [cpus, memory, cpuShares, memoryShares, cpuReserved, memoryReserved]] of cases) {
    const config = size(containers);
    assert.deepEqual([config.numCpus, config.memoryMb], [cpus, memory], name);
    assert.deepEqual([config.cpuAllocation?.shares?.shares, config.memoryAllocation?.shares?.shares], [cpuShares, memoryShares], name);
    assert.deepEqual([config.cpuAllocation?.reservation, config.memoryAllocation?.reservation], [cpuReserved, memoryReserved], name);
    assert.equal(config.cpuAllocation?.shares?.level, SharesLevel.NORMAL, name);
    assert.equal(config.guestId, "crxPod1Guest");
  }
});

test("init containers count when one of them is larger than the sum; memory goes up to 4 MB", () => {
  const config = size([{ requestMemoryBytes: 600n * MIB }], [{ requestCpuMilli: 3000n }, { requestMemoryBytes: 1025n * MIB }]);
  assert.equal(config.numCpus, 3);
  assert.equal(config.memoryMb, 1028);
  assert.equal(config.cpuAllocation?.reservation, 7800);
  assert.equal(config.memoryAllocation?.reservation, 1025);
});

test("memory overhead: the points of vSphere's table, and lines between them", () => {
  assert.equal(memoryOverheadMb(1, 256), 21);
  assert.equal(memoryOverheadMb(2, 1024), 30);
  assert.equal(memoryOverheadMb(4, 4096), 61);
  assert.equal(memoryOverheadMb(8, 16384), 169);
  assert.equal(memoryOverheadMb(1, 512), 23);
  assert.ok(memoryOverheadMb(3, 1024) > memoryOverheadMb(2, 1024) && memoryOverheadMb(3, 1024) < memoryOverheadMb(4, 1024));
  assert.ok(memoryOverheadMb(1, 4) > 0);
  assert.ok(memoryOverheadMb(64, 524_288) > memoryOverheadMb(8, 16_384));
});

function pool(reservation: number, expandable: boolean, limit = Infinity): PoolAllocation {
  return { reservation: { cpuMhz: 0, memoryMb: reservation }, limit: { cpuMhz: Infinity, memoryMb: limit }, expandable: { cpuMhz: true, memoryMb: expandable } };
}

const memory = (memoryMb: number): { cpuMhz: number; memoryMb: number } => ({ cpuMhz: 0, memoryMb });

test("pools R1: 25 GB in C, which has 20, borrows 5 from B (Expandable reservation on resource pools)", () => {
  const tree = new PoolTree();
  tree.add("root", undefined, pool(100, false));
  tree.add("A", "root", pool(50, true));
  tree.add("B", "A", pool(30, true));
  tree.add("C", "B", pool(20, true));
  for (let vm = 0; vm < 5; vm += 1) {
    assert.equal(tree.shortage("C", memory(5)), undefined);
    tree.reserve("C", memory(5));
  }
  assert.deepEqual([tree.used("B").memoryMb, tree.used("A").memoryMb, tree.used("root").memoryMb], [25, 30, 50]);
  assert.equal(tree.unreserved("B").memoryMb, 5 + 20 + 50);
});

test("pools R3: fixed pools reserve what they may use (Resource Management Guide, valid cluster)", () => {
  const tree = new PoolTree();
  tree.add("root", undefined, pool(12, false));
  for (const [name, reserved, used] of [["RP1", 4, 4], ["RP2", 4, 3], ["RP3", 3, 3]] as const) {
    tree.add(name, "root", pool(reserved, false));
    tree.reserve(name, memory(used));
  }
  assert.equal(tree.used("root").memoryMb, 11);
  assert.equal(tree.unreserved("root").memoryMb, 1);
  assert.deepEqual(["RP1", "RP2", "RP3"].map((name) => tree.unreserved(name).memoryMb), [0, 1, 0]);
});

test("pools R4: expandable pools use up the root, and another 2 in RP3 is refused", () => {
  const tree = new PoolTree();
  tree.add("root", undefined, pool(16, false));
  tree.add("RP1", "root", pool(4, true));
  tree.add("RP2", "root", pool(5, false));
  tree.add("RP3", "root", pool(5, true));
  for (let vm = 0; vm < 3; vm += 1) tree.reserve("RP1", memory(2));
  tree.reserve("RP2", memory(3));
  tree.reserve("RP3", memory(3));
  tree.reserve("RP3", memory(2));
  assert.equal(tree.used("root").memoryMb, 16);
  assert.equal(tree.unreserved("RP2").memoryMb, 2);
  assert.deepEqual(tree.shortage("RP3", memory(2)), { resource: "memoryMb", unreserved: 0, requested: 2 });
});

test("pools R6: KID borrows from MOM while MOM has it", () => {
  const tree = new PoolTree();
  tree.add("root", undefined, pool(100, false));
  tree.add("MOM", "root", pool(6, false));
  tree.add("KID", "MOM", pool(2, true));
  tree.reserve("MOM", memory(1));
  tree.reserve("KID", memory(2));
  assert.equal(tree.shortage("KID", memory(2)), undefined);
  tree.reserve("MOM", memory(2));
  assert.equal(tree.shortage("KID", memory(2))?.unreserved, 1);
});

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
