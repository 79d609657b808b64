import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock, nextTurn } from "../../src/base/clock.js";
import { deferred } from "../../src/base/deferred.js";
import { Cluster, Datacenter, HostPowerState, HostSpec } from "../../src/gen/spheresim/vcenter/v1/inventory.js";
import type { TaskInfo } from "../../src/gen/spheresim/vim/v1/task.js";
import { VirtualMachineConfigSpec } from "../../src/gen/spheresim/vim/v1/virtual_machine.js";
import { Evacuation, type Mover, PASS_MS } from "../../src/vcenter/hosts/evacuation.js";
import { Inventory } from "../../src/vcenter/inventory/inventory.js";
import { showObject } from "../../src/vcenter/inventory/inventory-view.js";
import { moref } from "../../src/vcenter/inventory/moref.js";
import { completeConfig } from "../../src/vcenter/clusters/pool-allocation.js";
import type { VmRecord } from "../../src/vcenter/store/records.js";
import { TaskRegistry } from "../../src/vcenter/tasks/task-registry.js";
import { VimFault } from "../../src/vcenter/vim-fault.js";

/** Two hosts, VMs on the first, and a mover that does as it is told. */
class Bench {
  readonly clock = new ManualClock();
  readonly inventory = new Inventory(1n, showObject, this.clock);
  readonly tasks = new TaskRegistry(1n, this.clock);
  readonly moved: string[] = [];
  automatic = true;
  /** Whether the mover finds a host. */
  hasRoom = true;
  #tasks = 0;

  constructor() {
    const cluster = moref("ClusterComputeResource", "domain-c8");
    this.inventory.putDatacenter(Datacenter.create({ ref: moref("Datacenter", "datacenter-3"), name: "dc" }));
    const root = { moid: "resgroup-9", name: "Resources", parent: undefined, config: completeConfig(undefined, "config"), namespace: "" };
    this.inventory.putCluster(Cluster.create({ ref: cluster, name: "cluster", rootPool: moref("ResourcePool", "resgroup-9") }), root);
    for (const number of [1, 2]) {
      this.inventory.putHost({
        moid: `host-${number}`,
        spec: HostSpec.fromPartial({ name: `esxi-${number}`, numCpuCores: 8, cpuMhz: 2000, memoryMb: 16_384 }),
        cluster: cluster.value,
        address: "127.0.0.1:1",
        disconnected: false,
        inMaintenanceMode: false,
        inQuarantineMode: false,
        powerState: HostPowerState.POWERED_ON,
        responding: true,
      });
    }
  }

  addVm(moid: string, change: Partial<VmRecord> = {}, guestId = "otherGuest64"): VmRecord {
    const config = VirtualMachineConfigSpec.fromPartial({ name: moid, guestId, instanceUuid: moid, numCpus: 1, memoryMb: 256 });
    const vm: VmRecord = { moid, config, host: "host-1", pool: "resgroup-9", createDate: undefined, wantedOn: true, isOn: true, onHost: true, ...change };
    this.inventory.putVm(vm);
    return vm;
  }

  task(entity = moref("HostSystem", "host-1")): TaskInfo {
    this.#tasks += 1;
    const task = this.tasks.draft({ moid: `task-${this.#tasks}`, descriptionId: "", entity, entityName: "", ownerUid: "", vmUuid: "", host: entity, ephemeralDiskUuid: "" });
    return this.tasks.add(task);
  }

  /** Moves at once. */
  readonly mover: Mover = {
    isAutomatic: () => this.automatic,
    move: (vm, parent) => {
      this.moved.push(vm.moid);
      if (!this.hasRoom) return Promise.reject(VimFault.invalidState("no room"));
      this.inventory.putVm({ ...vm, host: "host-2" });
      return Promise.resolve(parent);
    },
  };

  start(change: { readonly deadlineMs?: number; readonly poweredOffToo?: boolean; readonly signal?: AbortSignal } = {}): { readonly ended: Promise<string>; readonly task: TaskInfo } {
    const task = this.task();
    const order = { host: "host-1", task, deadlineMs: undefined, poweredOffToo: false, signal: new AbortController().signal, ...change };
    const ended = new Evacuation({ inventory: this.inventory, tasks: this.tasks, mover: this.mover, clock: this.clock }, order).done().then(
      () => "empty",
      (error: unknown) => (error instanceof VimFault ? error.fault.$case : String(error)),
    );
    return { ended, task };
  }
}

async function isOver(ended: Promise<string>): Promise<boolean> {
  for (let turn = 0; turn < 5; turn += 1) await nextTurn();
  return (await Promise.race([ended, nextTurn().then(() => undefined)])) !== undefined;
}

test("an empty host is empty at once; what is off or an orphan does not count", async () => {
  const bench = new Bench();
  bench.addVm("vm-1", { wantedOn: false, isOn: false });
  bench.addVm("vm-2", { isOn: false, onHost: false });
  assert.equal(await bench.start().ended, "empty");
  assert.deepEqual(bench.moved, []);
});

test("ordinary VMs are moved, pods are waited for, and progress tells how far it is", async () => {
  const bench = new Bench();
  bench.addVm("vm-1");
  bench.addVm("vm-2");
  bench.addVm("vm-3", {}, "crxPod1Guest");
  const { ended, task } = bench.start();
  assert.equal(await isOver(ended), false);
  assert.deepEqual(bench.moved, ["vm-1", "vm-2"]);
  assert.equal(bench.tasks.get(task.task?.value ?? "")?.progress, 66);
  bench.inventory.removeVm("vm-3");
  assert.equal(await ended, "empty");
});

test("a VM that a task holds is left to it, and looked at again when it ends", async () => {
  const bench = new Bench();
  bench.addVm("vm-1");
  const holder = bench.task(moref("VirtualMachine", "vm-1"));
  const { ended } = bench.start();
  assert.equal(await isOver(ended), false);
  assert.deepEqual(bench.moved, []);
  bench.tasks.succeed(holder.task?.value ?? "", undefined);
  assert.equal(await ended, "empty");
  assert.deepEqual(bench.moved, ["vm-1"]);
});

test("a VM on its way here from another host is waited for", async () => {
  const bench = new Bench();
  const coming = bench.addVm("vm-1", { host: "host-2", migration: { source: "host-2", target: "host-1", powerOn: false } });
  const { ended } = bench.start();
  assert.equal(await isOver(ended), false);
  bench.inventory.putVm({ ...coming, migration: undefined });
  assert.equal(await ended, "empty");
});

test("without room it tries once a pass, not more; when no pass comes before the deadline it is Timedout", async () => {
  const bench = new Bench();
  bench.hasRoom = false;
  bench.addVm("vm-1");
  const { ended } = bench.start({ deadlineMs: 3 * PASS_MS + 1 });
  assert.equal(await isOver(ended), false);
  for (let change = 0; change < 10; change += 1) bench.inventory.putVm(bench.inventory.vm("vm-1"));
  assert.equal(await isOver(ended), false);
  assert.equal(bench.moved.length, 1);
  await bench.clock.advance(PASS_MS);
  assert.equal(bench.moved.length, 2);
  await bench.clock.advance(2 * PASS_MS + 1);
  assert.equal(await ended, "timedout");
  assert.equal(bench.moved.length, 4);
  assert.equal(bench.clock.waiting, 0, "no timer is left");
});

test("a host that comes back is tried at once; nothing is tried while the host itself does not respond", async () => {
  const bench = new Bench();
  bench.hasRoom = false;
  const other = bench.inventory.host("host-2");
  bench.inventory.putHost({ ...other, responding: false });
  bench.addVm("vm-1");
  const { ended } = bench.start();
  await isOver(ended);
  assert.equal(bench.moved.length, 1);
  bench.inventory.putHost(other);
  await isOver(ended);
  assert.equal(bench.moved.length, 2);
  bench.inventory.putHost({ ...bench.inventory.host("host-1"), responding: false });
  await bench.clock.advance(PASS_MS);
  assert.equal(bench.moved.length, 2);
  bench.hasRoom = true;
  bench.inventory.putHost({ ...bench.inventory.host("host-1"), responding: true });
  assert.equal(await ended, "empty");
});

test("a cluster that stops being automatic leaves no timer that spins; one that becomes so again has it moved", async () => {
  const bench = new Bench();
  bench.hasRoom = false;
  bench.addVm("vm-1");
  const { ended } = bench.start();
  await isOver(ended);
  bench.automatic = false;
  await bench.clock.advance(10 * PASS_MS);
  assert.equal(bench.moved.length, 1);
  assert.equal(bench.clock.waiting, 0);
  bench.automatic = true;
  bench.hasRoom = true;
  bench.inventory.changeCluster(bench.inventory.cluster("domain-c8"));
  assert.equal(await ended, "empty");
});

test("cancelled, disconnected and removed each end it with their fault", async () => {
  const bench = new Bench();
  bench.addVm("vm-1", {}, "crxPod1Guest");
  const cancel = new AbortController();
  const cancelled = bench.start({ signal: cancel.signal });
  cancel.abort(VimFault.requestCanceled());
  assert.equal(await cancelled.ended, "requestCanceled");
  const disconnected = bench.start();
  await isOver(disconnected.ended);
  bench.inventory.putHost({ ...bench.inventory.host("host-1"), disconnected: true });
  assert.equal(await disconnected.ended, "hostNotConnected");
  bench.inventory.putHost({ ...bench.inventory.host("host-1"), disconnected: false });
  const removed = bench.start();
  await isOver(removed.ended);
  bench.inventory.removeVm("vm-1");
  bench.inventory.removeHost("host-1");
  assert.equal(await removed.ended, "managedObjectNotFound");
});

test("an error that is no fault of a VM ends it: it is not swallowed", async () => {
  const bench = new Bench();
  bench.addVm("vm-1");
  const failing = { ...bench.mover, move: () => Promise.reject(new TypeError("a mistake")) };
  const order = { host: "host-1", task: bench.task(), deadlineMs: undefined, poweredOffToo: false, signal: new AbortController().signal };
  await assert.rejects(new Evacuation({ inventory: bench.inventory, tasks: bench.tasks, mover: failing, clock: bench.clock }, order).done(), TypeError);
});

test("a VM that leaves by other hands, or goes off, while those before it are being stored is left alone", async () => {
  const bench = new Bench();
  const [first, second, third] = [bench.addVm("vm-1"), bench.addVm("vm-2"), bench.addVm("vm-3")];
  const stored = deferred<void>();
  const moveAtOnce = bench.mover.move.bind(bench.mover);
  bench.mover.move = async (vm, parent) => {
    if (vm.moid === first.moid) await stored.promise;
    return moveAtOnce(vm, parent);
  };
  const { ended } = bench.start();
  await nextTurn();
  bench.inventory.putVm({ ...second, host: "host-2" });
  bench.inventory.putVm({ ...third, wantedOn: false, isOn: false });
  stored.resolve();
  assert.equal(await ended, "empty");
  assert.deepEqual(bench.moved, ["vm-1"]);
});

test("a VM whose task could not be stored is looked at again", async () => {
  const bench = new Bench();
  bench.addVm("vm-1");
  const holder = bench.task(moref("VirtualMachine", "vm-1"));
  const { ended } = bench.start();
  assert.equal(await isOver(ended), false);
  bench.tasks.withdraw(holder.task?.value ?? "");
  assert.equal(await ended, "empty");
});
