import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../../src/base/clock.js";
import { deferred } from "../../../src/base/deferred.js";
import { silentLogger } from "../../../src/base/log.js";
import { HostEvacuationPurpose } from "../../../src/gen/spheresim/vcenter/v1/inventory.js";
import { VirtualDevice } from "../../../src/gen/spheresim/vim/v1/virtual_machine.js";
import { drsPass } from "../../../src/vcenter/drs/pass/drs-pass.js";
import { HostRole, type PassInput, type PassResult } from "../../../src/vcenter/drs/pass/pass-input.js";
import type { ClusterPass } from "../../../src/vcenter/drs-running/cluster-pass.js";
import { DrsPasses } from "../../../src/vcenter/drs-running/drs-passes.js";
import { Needs } from "../../../src/vcenter/drs-running/needs.js";
import { takeSnapshot } from "../../../src/vcenter/drs-running/snapshot.js";
import { EventLog } from "../../../src/vcenter/events/event-log.js";
import { RuleTable } from "../../../src/vcenter/clusters/rule-table.js";
import { settled } from "../../support/eventually.js";
import { BENCH_CLUSTER, benchInventory } from "../../bench/drs/bench-inventory.js";

const SIZE = { vms: 300, pools: 12, hosts: 15 };

function passesOver(run: (input: PassInput) => Promise<PassResult>) {
  const clock = new ManualClock();
  const inventory = benchInventory(SIZE, clock);
  const events = new EventLog(clock, inventory);
  const told: ClusterPass[] = [];
  const closing = new AbortController();
  const passes = new DrsPasses({ inventory, rules: new RuleTable(), tasks: { holderOf: () => undefined }, run, clock, events, epoch: 1n, log: silentLogger, closing: closing.signal, onPass: (pass) => void told.push(pass) });
  const close = async (): Promise<void> => {
    closing.abort(new Error("vCenter is shutting down"));
    await passes.close();
  };
  return { clock, inventory, events, passes, told, close };
}

const here = (input: PassInput): Promise<PassResult> => Promise.resolve(drsPass(input));

test("a pass that fails is told by an event, to who asked for it too, and the next one comes", async () => {
  let fails = true;
  const { clock, events, passes, told, close } = passesOver((input) => (fails ? Promise.reject(new RangeError("VM 3: there is no pool 9")) : here(input)));
  passes.start();
  await clock.advance(60_000);
  await settled();
  assert.deepEqual([events.get(events.last)?.type, events.get(events.last)?.fullFormattedMessage, told.length], ["DrsInvocationFailedEvent", "DRS invocation not completed: VM 3: there is no pool 9", 0]);
  await assert.rejects(passes.refresh(BENCH_CLUSTER), /DRS invocation not completed: VM 3/);
  fails = false;
  await clock.advance(60_000);
  await settled();
  assert.equal(told.length, 1);
  assert.equal(passes.last(BENCH_CLUSTER)?.number, 1);
  await close();
});

test("who asks while a pass waits gets that one; one under way is not what was asked for", async () => {
  const begun: (() => void)[] = [];
  const { passes, told, close } = passesOver(async (input) => {
    const go = deferred<void>();
    begun.push(() => go.resolve());
    await go.promise;
    return drsPass(input);
  });
  const first = passes.refresh(BENCH_CLUSTER);
  await settled();
  const [second, third] = [passes.refresh(BENCH_CLUSTER), passes.refresh(BENCH_CLUSTER)];
  begun[0]?.();
  await settled();
  begun[1]?.();
  const [one, two, three] = await Promise.all([first, second, third]);
  assert.deepEqual([one.number, two.number, three === two, told.length], [1, 2, true, 2]);
  await close();
  await assert.rejects(passes.refresh(BENCH_CLUSTER), /shutting down/);
});

test("a snapshot holds what the ledger and the records say, for each VM that runs and each host", async () => {
  const clock = new ManualClock();
  const inventory = benchInventory(SIZE, clock);
  const moving = inventory.vms.find((vm) => vm.isOn && vm.config.ownerUid === "") ?? assert.fail();
  inventory.putVm({ ...moving, migration: { source: moving.host, target: "host-35", powerOn: false } });
  const held = inventory.vms.find((vm) => vm.isOn && vm.config.ownerUid === "" && vm.moid !== moving.moid) ?? assert.fail();
  inventory.putHost({ ...inventory.host("host-22"), inQuarantineMode: true });
  inventory.putHost({ ...inventory.host("host-23"), responding: false });
  inventory.putHost({ ...inventory.host("host-24"), evacuation: { task: undefined, purpose: HostEvacuationPurpose.MAINTENANCE, deadline: undefined, evacuatePoweredOffVms: false } });
  const tasks = { holderOf: (vm: string) => (vm === held.moid ? "task-1" : undefined) };
  const { input, rows } = await takeSnapshot({ inventory, rules: new RuleTable(), tasks }, BENCH_CLUSTER, { threshold: 3, turn: 1 });
  assert.deepEqual(rows.vms.map((vm) => vm.moid), inventory.vms.filter((vm) => vm.isOn).map((vm) => vm.moid));
  assert.deepEqual([rows.totalVms, rows.poweredOffVms], [300, 300 - rows.vms.length]);
  assert.deepEqual(Array.from(input.hosts.role.slice(0, 5)), [HostRole.TAKES, HostRole.RELIEVED, HostRole.KEEPS, HostRole.EVACUATES, HostRole.TAKES]);
  for (const [row, host] of rows.hosts.entries()) {
    const { reserved, active } = inventory.ledger.host(host.moid);
    assert.deepEqual([input.hosts.reservedMhz[row], input.hosts.reservedMb[row]], [reserved.cpuMhz, reserved.memoryMb]);
    const sum = rows.vms.reduce((total, vm, index) => (vm.host === host.moid ? total + (input.tree.vms.memory.activeMb[index] ?? 0) : total), 0);
    assert.equal(sum, active.memoryMb, host.moid);
  }
  for (const [row, vm] of rows.vms.entries()) {
    const { cpu, memory, pool } = input.tree.vms;
    assert.equal((cpu.reservation[row] ?? 0) + (memory.reservation[row] ?? 0) + (memory.overheadMb[row] ?? 0), (vm.config.cpuAllocation?.reservation ?? 0) + (vm.config.memoryAllocation?.reservation ?? 0) + vm.config.overheadMemoryMb);
    assert.equal(rows.pools[pool[row] ?? -1]?.moid, vm.pool);
    const isMovable = vm.config.ownerUid === "" && vm.moid !== moving.moid && vm.moid !== held.moid && vm.host !== "host-23";
    assert.equal(input.vms.movable[row] === 1, isMovable, vm.moid);
    assert.equal(rows.hosts[input.vms.headsFor[row] ?? -1]?.moid, vm.moid === moving.moid ? "host-35" : vm.host);
  }
});

test("the example: what VMs need and hosts offer is numbered once", () => {
  const needs = new Needs();
  assert.deepEqual([["vsan"], ["vsan", "nfs"], ["nfs", "vsan"], ["vsan"]].map((datastores) => needs.offerOf({ datastores, networks: [] })), [0, 1, 1, 0]);
  const disk = (datastore: string): VirtualDevice => VirtualDevice.fromPartial({ backing: { $case: "disk", value: { datastore } } });
  assert.deepEqual([needs.needOf([]), needs.needOf([disk("nfs")]), needs.needOf([disk("")]), needs.needOf([disk("nfs"), disk("nfs")])], [0, 2, 0, 2]);
  assert.deepEqual(Array.from(needs.compatible().slice(0, 6)), [1, 1, 0, 0, 0, 1]);
});
