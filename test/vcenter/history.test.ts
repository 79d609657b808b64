import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { deferred } from "../../src/base/deferred.js";
import { EventFilter } from "../../src/gen/spheresim/vcenter/v1/event.js";
import { type TaskInfo, TaskState } from "../../src/gen/spheresim/vim/v1/task.js";
import { VirtualMachineConfigSpec } from "../../src/gen/spheresim/vim/v1/virtual_machine.js";
import { eventually } from "../support/eventually.js";
import { hostKey, onHosts, World } from "./world.js";

let world: World;
afterEach(() => world.close());

test("ended tasks and events are there after a restart, as they were, and go on with the next key", async () => {
  world = await World.start(1);
  const ended = await world.deploy("uid-1");
  await world.ended(await world.machines.destroyVm({ requestId: "", target: { $case: "ownerUid", value: "uid-1" }, powerOff: true, uuid: "" }));
  const before = await world.events.queryEvents({ filter: undefined, pageSize: 1000, pageToken: "" });
  const { tasks } = await world.tasks.listTasks({ pageSize: 1000, pageToken: "" });
  await world.stopVcenter();
  await world.startVcenter();
  await world.connected(1);
  const after = await world.events.queryEvents({ filter: undefined, pageSize: 1000, pageToken: "" });
  assert.deepEqual(after.events.slice(0, before.events.length), before.events);
  assert.deepEqual(after.events.map(({ key }) => key), after.events.map((_event, index) => BigInt(index + 1)));
  assert.deepEqual((await world.tasks.listTasks({ pageSize: 1000, pageToken: "" })).tasks, tasks);
  const found = await world.tasks.getTask({ task: ended.task });
  assert.equal(found.state, TaskState.SUCCESS);
  const next = await world.deploy("uid-2");
  assert.ok(next.eventChainId > ended.eventChainId + 1);
});

test("they are saved while vCenter runs: one that ends without a word is remembered too", async () => {
  world = await World.start(1);
  const ended = await world.deploy("uid-1");
  await eventually("the task is saved", () => [...world.kv.history.keys()].some((key) => key.startsWith("/spheresim/vcenter/history/ended-tasks/")));
  // The next vCenter takes over while the one before still is there: nothing of that one's end is saved any more.
  await world.startVcenter();
  assert.deepEqual((await world.tasks.listTasks({ pageSize: 0, pageToken: "" })).tasks.map(({ task, state }) => [task?.value, state]), [[ended.task?.value, TaskState.SUCCESS]]);
});

test("a task that a restart interrupts tells its beginning once", async () => {
  world = await World.start(2);
  const config = VirtualMachineConfigSpec.fromPartial({ name: "db", guestId: "otherGuest64", numCpus: 1, memoryMb: 256 });
  const { result: vm } = await world.ended(await world.machines.createVm({ requestId: "", config, host: hostKey(1), pool: undefined, powerOn: true }));
  await world.deploy("uid-1", { hosts: onHosts(2) });
  const held = deferred<void>();
  const reached = new Set<string>();
  world.esxi.before = (method) => {
    if (!["createVm", "receiveVm"].includes(method)) return undefined;
    reached.add(method);
    return held.promise;
  };
  await world.place("uid-2");
  const tasks = [await world.apply("uid-2"), await world.machines.migrateVm({ requestId: "", vm, host: hostKey(2) }), await world.enterMaintenance(2)];
  await eventually("all are at work", () => reached.size === 2);
  const said = async (): Promise<string> => (await world.tasks.getTask({ task: tasks[2]?.task })).description;
  const stays = await eventually("the evacuation says who stays", async () => (await said()) || undefined);
  await world.stopVcenter();
  held.resolve();
  world.esxi.before = undefined;
  await world.startVcenter();
  const ended = [];
  for (const task of tasks.slice(0, 2)) ended.push(await world.ended(task));
  await eventually("the evacuation says so again", async () => (await said()) === stays);
  const types = async ({ eventChainId }: TaskInfo): Promise<readonly string[]> => (await world.events.queryEvents({ filter: EventFilter.fromPartial({ eventChainId }), pageSize: 1000, pageToken: "" })).events.map(({ type }) => type);
  assert.deepEqual(ended.map(({ state }) => state), [TaskState.SUCCESS, TaskState.SUCCESS]);
  assert.deepEqual(await Promise.all(tasks.map(types)), [
    ["TaskEvent", "VmBeingCreatedEvent", "VmInstanceUuidAssignedEvent", "VmUuidAssignedEvent", "VmCreatedEvent", "VmStartingEvent", "DrsVmPoweredOnEvent"],
    ["TaskEvent", "VmBeingHotMigratedEvent", "VmMigratedEvent"],
    ["TaskEvent", "EnteringMaintenanceModeEvent", "NoMaintenanceModeDrsRecommendationForVM"],
  ]);
});

test("with more VMs than tasks are remembered a restart forgets of their creations, not what was remembered", async () => {
  world = await World.start(1);
  const config = VirtualMachineConfigSpec.fromPartial({ name: "vm", numCpus: 1, memoryMb: 256 });
  const created = await world.ended(await world.machines.createVm({ requestId: "first", config, host: hostKey(1), pool: undefined, powerOn: false }));
  const off = await world.ended(await world.machines.powerOnVm({ requestId: "", vm: created.result }));
  await world.stopVcenter();
  const vm = created.result?.value ?? "";
  for (let count = 0; count < 10_001; count += 1) {
    world.kv.map.set(`/spheresim/vcenter/vms/vm-${20_000 + count}`, (world.kv.map.get(`/spheresim/vcenter/vms/${vm}`) ?? "").replaceAll(vm, `vm-${20_000 + count}`));
    world.kv.map.set(`/spheresim/vcenter/creations/${count}`, JSON.stringify({ bodyHash: "", vm: `vm-${20_000 + count}`, task: `task-${20_000 + count}` }));
  }
  await world.startVcenter();
  assert.deepEqual(await world.tasks.getTask({ task: off.task }), off);
});
