import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { deferred } from "../../src/base/deferred.js";
import { TaskServiceClient } from "../../src/gen/spheresim/vcenter/v1/task_service.js";
import type { ManagedObjectReference } from "../../src/gen/spheresim/vim/v1/managed_object.js";
import { type TaskInfo, TaskState } from "../../src/gen/spheresim/vim/v1/task.js";
import { VirtualMachineConfigSpec, VirtualMachinePowerState } from "../../src/gen/spheresim/vim/v1/virtual_machine.js";
import { Inventory } from "../../src/vcenter/inventory/inventory.js";
import { HostChoice } from "../../src/vcenter/placement/host-choice.js";
import { openChannel } from "../../src/rpc/channel.js";
import { refusal } from "./refusal.js";
import { HOST, hostKey, hostName, onHosts, World } from "./world.js";

let world: World;
afterEach(() => world.close());

/** A powered-off VM on host 1 that reserves half a host. */
async function create(name: string, host = 1, powerOn = false): Promise<ManagedObjectReference> {
  const config = VirtualMachineConfigSpec.fromPartial({ name, numCpus: 4, memoryMb: 1024, cpuAllocation: { reservation: (HOST.cores * HOST.coreMhz) / 2 } });
  const task = await world.ended(await world.machines.createVm({ requestId: "", config, host: hostKey(host), pool: undefined, powerOn }));
  return task.result ?? assert.fail("no VM");
}

function powerOn(vms: readonly (ManagedObjectReference | undefined)[], overrideAutomationLevel = false) {
  return world.machines.powerOnVms({ requestId: "", vms: vms.map((vm) => vm ?? assert.fail()), overrideAutomationLevel });
}

async function childEnds(tasks: readonly { readonly task: ManagedObjectReference | undefined }[]): Promise<TaskInfo[]> {
  const infos = await Promise.all(tasks.map(({ task }) => world.tasks.getTask({ task })));
  return Promise.all(infos.map((info) => world.ended(info)));
}

test("each VM goes on where it is best at that moment, after a move there; one task stands above theirs", async () => {
  world = await World.start(2);
  const vms = [await create("a"), await create("b"), await create("c"), await create("d"), await create("e")];
  const answer = await powerOn(vms);
  assert.deepEqual(answer.attempted.map(({ vm }) => vm?.value), vms.slice(0, 4).map((vm) => vm.value));
  assert.deepEqual(answer.notAttempted.map(({ vm, fault }) => [vm?.value, fault?.fault?.$case]), [[vms[4]?.value, "insufficientCpuResourcesFault"]]);
  const parent = await world.ended(answer.task ?? assert.fail());
  const children = await childEnds(answer.attempted);
  assert.deepEqual([parent.descriptionId, parent.entity?.type, parent.state], ["Datacenter.powerOnVm", "Datacenter", TaskState.SUCCESS]);
  for (const child of children) {
    assert.deepEqual([child.descriptionId, child.state, child.parentTaskKey, child.rootTaskKey], ["VirtualMachine.powerOn", TaskState.SUCCESS, parent.task?.value, parent.task?.value]);
    assert.ok((child.completeTime?.seconds ?? 0n) <= (parent.completeTime?.seconds ?? 0n));
  }
  const inventory = await world.inventory.getInventory({});
  assert.deepEqual(inventory.hosts.map((host) => [host.usage?.reservedCpuMhz, host.usage?.poweredOnVms]), [[16_000, 2], [16_000, 2]]);
  assert.deepEqual(world.esxi.vms.filter((vm) => vm.powerState === VirtualMachinePowerState.POWERED_ON).map((vm) => vm.hostName).toSorted(), [hostName(1), hostName(1), hostName(2), hostName(2)]);
  assert.equal(world.esxi.vms.length, 5);
  assert.deepEqual(world.kv.keys("/spheresim/vcenter/tasks/"), []);
});

test("what cannot go on is told for each VM; what cannot be asked is refused as a whole", async () => {
  world = await World.start(1);
  const on = await create("on", 1, true);
  const off = await create("off");
  const busy = await create("busy");
  const go = deferred<void>();
  world.esxi.before = (method) => (method === "reconfigureVm" ? go.promise : undefined);
  const renaming = await world.machines.reconfigureVm({ requestId: "", vm: busy, name: "x", numCpus: undefined, memoryMb: undefined, cpuAllocation: undefined, memoryAllocation: undefined });
  const answer = await powerOn([on, busy, off]);
  assert.deepEqual(answer.notAttempted.map(({ fault }) => fault?.fault?.$case), ["invalidPowerState", "taskInProgress"]);
  assert.equal((await childEnds(answer.attempted))[0]?.state, TaskState.SUCCESS);
  go.resolve();
  await world.ended(renaming);

  assert.deepEqual((await refusal(powerOn([]))).fields, ["vms"]);
  assert.deepEqual((await refusal(powerOn([off, off]))).fields, ["vms[1]"]);
  assert.deepEqual((await refusal(powerOn([off, { type: "VirtualMachine", value: "" }]))).fields, ["vms[1]"]);
  assert.deepEqual((await refusal(powerOn(Array.from({ length: 257 }, (_, index) => ({ type: "VirtualMachine", value: `vm-${index}` }))))).fields, ["vms"]);
  assert.equal((await refusal(powerOn([{ type: "VirtualMachine", value: "vm-777" }]))).reason, "ManagedObjectNotFound");
});

test("in manual mode DRS recommends and nothing begins, unless it is told to act; a disabled DRS leaves each where it is", async () => {
  world = await World.start(2);
  await create("full", 1, true);
  await create("full too", 1, true);
  const vm = await create("vm");
  const { cluster } = world;
  const set = async (drs: object): Promise<void> => {
    // The record is changed as another vCenter would have left it.
    await world.stopVcenter();
    const key = `/spheresim/vcenter/clusters/${cluster?.value}`;
    const record = JSON.parse(world.kv.map.get(key) ?? "{}") as { drsConfig: object };
    world.kv.map.set(key, JSON.stringify({ ...record, drsConfig: { ...record.drsConfig, ...drs } }));
    await world.startVcenter();
    await world.connected(2);
  };
  await set({ defaultVmBehavior: "DRS_BEHAVIOR_MANUAL" });
  const manual = await powerOn([vm]);
  assert.deepEqual([manual.attempted, manual.notAttempted], [[], []]);
  const [recommended] = manual.recommendations;
  assert.deepEqual([recommended?.reason, recommended?.actions[0]?.targetHostName, recommended?.actions[0]?.vm?.value], ["powerOnVm", hostName(2), vm.value]);
  assert.match(recommended?.reasonText ?? "", /after a move there/);
  assert.equal((await world.ended(manual.task ?? assert.fail())).state, TaskState.SUCCESS);
  await set({ enabled: false });
  assert.equal((await powerOn([vm])).notAttempted[0]?.fault?.fault?.$case, "noCompatibleHost");
  await set({ enabled: true });
  const forced = await powerOn([vm], true);
  assert.equal((await childEnds(forced.attempted))[0]?.host?.value, "host-22");
});

test("a pod VM goes on on its own host or not at all", async () => {
  world = await World.start(2);
  await world.place("uid-1", { hosts: onHosts(1) });
  const pod = (await world.ended(await world.apply("uid-1"))).result ?? assert.fail();
  await world.ended(await world.machines.powerOffVm({ requestId: "", vm: pod }));
  await create("full", 1, true);
  await create("full too", 1, true);
  assert.equal((await powerOn([pod])).notAttempted[0]?.fault?.fault?.$case, "noCompatibleHost");
});

test("the task above ends well where only some, or none, could be attempted: its result says which", async () => {
  world = await World.start(1);
  const [on, other, off] = [await create("on", 1, true), await create("other"), await create("off")];
  const some = await powerOn([on, other]);
  assert.deepEqual([some.attempted.map(({ vm }) => vm?.value), some.notAttempted.map(({ vm, fault }) => [vm?.value, fault?.fault?.$case])], [[other.value], [[on.value, "invalidPowerState"]]]);
  assert.equal((await world.ended(some.task ?? assert.fail())).state, TaskState.SUCCESS);
  const none = await powerOn([on, off]);
  assert.deepEqual([none.attempted, none.notAttempted.map(({ vm, fault }) => [vm?.value, fault?.fault?.$case])], [[], [[on.value, "invalidPowerState"], [off.value, "insufficientCpuResourcesFault"]]]);
  const ended = await world.ended(none.task ?? assert.fail());
  assert.deepEqual([ended.state, ended.error], [TaskState.SUCCESS, undefined]);
});

test("where the move fails the VM stays off where it was; where the power-on fails it stays off where it went", async () => {
  world = await World.start(2);
  await create("full", 1, true);
  await create("full too", 1, true);
  const vm = await create("vm");
  for (const [failing, there] of [["receiveVm", 1], ["powerOnVm", 2]] as const) {
    world.esxi.before = (method) => {
      if (method === failing) throw new Error("broken");
    };
    const answer = await powerOn([vm]);
    const [child] = await childEnds(answer.attempted);
    assert.equal(child?.state, TaskState.ERROR);
    assert.equal((await world.ended(answer.task ?? assert.fail())).state, TaskState.SUCCESS);
    const shown = await world.machines.getVm({ target: { $case: "vm", value: vm } });
    assert.deepEqual([shown.hostName, shown.powerState, shown.migration], [hostName(there), VirtualMachinePowerState.POWERED_OFF, undefined]);
    const { hosts } = await world.inventory.getInventory({});
    assert.deepEqual(hosts.map((host) => host.usage?.reservedCpuMhz), [16_000, 0]);
  }
});

test("a VM made without a host goes where DRS finds best; where none will do the fault says why of each", async () => {
  world = await World.start(2);
  await create("full", 1, true);
  await create("full too", 1, true);
  const config = VirtualMachineConfigSpec.fromPartial({ name: "vm", numCpus: 4, memoryMb: 1024, cpuAllocation: { reservation: 8000 } });
  const made = await world.ended(await world.machines.createVm({ requestId: "once", config, host: undefined, pool: undefined, powerOn: true }));
  assert.equal(made.host?.value, "host-22");
  assert.equal((await world.machines.createVm({ requestId: "once", config, host: undefined, pool: undefined, powerOn: true })).task?.value, made.task?.value);
  const huge = { ...config, name: "huge", cpuAllocation: undefined, memoryMb: 2 * HOST.memoryMb };
  const error = await refusal(world.machines.createVm({ requestId: "", config: huge, host: undefined, pool: undefined, powerOn: false }));
  assert.equal(error.reason, "NoCompatibleHost");
  assert.ok(error.fault.fault?.$case === "noCompatibleHost" && error.fault.fault.value.error.every(({ fault }) => fault?.$case === "memorySizeNotSupported"));
});

test("the progress of the tasks moves, and a watch sees them queued, running and done", async () => {
  world = await World.start(2);
  await create("full", 1, true);
  await create("full too", 1, true);
  const vm = await create("vm");
  const channel = openChannel({ address: world.vcenter.address });
  const closing = new AbortController();
  try {
    const seen = new Map<string, string[]>();
    const done = deferred<void>();
    const watching = (async () => {
      for await (const { task } of channel.client(TaskServiceClient).watchTasks({ resumeToken: "", skipEnded: true, state: [] }, { signal: closing.signal })) {
        if (task === undefined) continue;
        const key = task.descriptionId;
        seen.set(key, [...(seen.get(key) ?? []), `${task.state} ${task.progress ?? "-"}`]);
        if (key === "Datacenter.powerOnVm" && task.completeTime !== undefined) done.resolve();
      }
    })().catch(() => undefined);
    world.esxi.before = async () => void (await new Promise((resolve) => setImmediate(resolve)));
    await powerOn([vm]);
    await done.promise;
    const child = seen.get("VirtualMachine.powerOn") ?? [];
    assert.equal(child.at(-1), `${TaskState.SUCCESS} -`);
    const percents = child.map((each) => Number(each.split(" ")[1])).filter((each) => !Number.isNaN(each));
    assert.ok(percents.length >= 3 && percents.every((each, index) => each >= (percents[index - 1] ?? 0)), child.join(", "));
    closing.abort();
    await watching;
  } finally {
    closing.abort();
    channel.close();
  }
});

test("an error that nobody foresaw is the matter of its VM: the others go on, and the task above them ends", async (t) => {
  world = await World.start(1);
  const [broken, well] = [await create("broken"), await create("well")];
  const best = t.mock.method(HostChoice.prototype, "best");
  best.mock.mockImplementationOnce(() => {
    throw new TypeError("a figure is missing");
  });
  const answer = await powerOn([broken, well]);
  assert.deepEqual(answer.notAttempted.map(({ vm, fault }) => [vm?.value, fault?.fault?.$case]), [[broken.value, "invalidState"]]);
  assert.deepEqual((await childEnds(answer.attempted)).map(({ entity, state }) => [entity?.value, state]), [[well.value, TaskState.SUCCESS]]);
  assert.equal((await world.ended(answer.task ?? assert.fail())).state, TaskState.SUCCESS);
  assert.deepEqual(world.kv.keys("/spheresim/vcenter/tasks/"), []);
});

test("a cluster that cannot be read once the task above is stored fails the call and that task", async (t) => {
  world = await World.start(1);
  const vm = await create("vm");
  const cluster = t.mock.method(Inventory.prototype, "cluster");
  world.kv.before = () => {
    world.kv.before = undefined;
    // It is read next when the task above is stored.
    cluster.mock.mockImplementationOnce(() => {
      throw new TypeError("no cluster");
    });
  };
  await assert.rejects(powerOn([vm]));
  const { tasks } = await world.tasks.listTasks({ pageSize: 1, pageToken: "" });
  const parent = await world.ended(tasks[0] ?? assert.fail());
  assert.deepEqual([parent.descriptionId, parent.state], ["Datacenter.powerOnVm", TaskState.ERROR]);
  assert.deepEqual(world.kv.keys("/spheresim/vcenter/tasks/"), []);
});
