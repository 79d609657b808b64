import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { ManualClock } from "../../src/base/clock.js";
import { RpcError } from "../../src/base/rpc-error.js";
import { deferred } from "../../src/base/deferred.js";
import { DrsBehavior, type Host, HostConnectionState, HostEvacuationPurpose, HostPowerState, VirtualMachineConnectionState } from "../../src/gen/spheresim/vcenter/v1/inventory.js";
import type { ManagedObjectReference } from "../../src/gen/spheresim/vim/v1/managed_object.js";
import { type TaskInfo, TaskState } from "../../src/gen/spheresim/vim/v1/task.js";
import { ScaleSharesBehavior } from "../../src/gen/spheresim/vim/v1/resource.js";
import { VirtualMachineConfigSpec } from "../../src/gen/spheresim/vim/v1/virtual_machine.js";
import { eventually, settled } from "../support/eventually.js";
import { refusal } from "./refusal.js";
import { hostKey, hostName, onHosts, World } from "./world.js";

let world: World;
afterEach(() => world.close());

async function create(name: string, host: number, powerOn = true, memoryMb = 1024): Promise<ManagedObjectReference> {
  const config = VirtualMachineConfigSpec.fromPartial({ name, numCpus: 1, memoryMb, memoryAllocation: { reservation: memoryMb } });
  const task = await world.ended(await world.machines.createVm({ requestId: "", config, host: hostKey(host), pool: undefined, powerOn }));
  return task.result ?? assert.fail(JSON.stringify(task.error));
}

async function show(host: number): Promise<Host> {
  const hosts = (await world.inventory.getInventory({})).hosts;
  return hosts.find((each) => each.spec?.name === hostName(host)) ?? assert.fail(`no host ${host}`);
}

function taskNow(task: TaskInfo): Promise<TaskInfo> {
  return world.tasks.getTask({ task: task.task });
}

async function hostOf(vm: ManagedObjectReference): Promise<string> {
  return (await world.machines.getVm({ target: { $case: "vm", value: vm } })).hostName;
}

async function automate(defaultVmBehavior: DrsBehavior): Promise<void> {
  const drsConfig = { enabled: true, defaultVmBehavior, migrationThreshold: 0, consumedMemoryMetric: false };
  await world.clusters.reconfigureCluster({ requestId: "", cluster: undefined, drsConfig, dasConfig: undefined, scaleDescendantsShares: ScaleSharesBehavior.UNSPECIFIED });
}

async function destroyPod(ownerUid: string): Promise<void> {
  await world.ended(await world.machines.destroyVm({ requestId: "", target: { $case: "ownerUid", value: ownerUid }, powerOff: true, uuid: "" }));
}

async function eventTypes(host: number): Promise<string[]> {
  const entity = (await show(host)).ref;
  const { events } = await world.events.queryEvents({ filter: { entity, types: ["HostEvent"], beginTime: undefined, endTime: undefined, eventChainId: 0 }, pageSize: 0, pageToken: "" });
  return events.map((event) => event.type).filter((type) => type !== "HostAddedEvent" && type !== "HostConnectedEvent");
}

test("the example: the database is migrated as a child of the task, the archive stays, and the pod keeps the host until it is deleted", async () => {
  world = await World.start(2);
  const database = await create("database", 1);
  const archive = await create("archive", 1, false);
  await world.deploy("uid-1", { hosts: onHosts(1) });
  const task = await world.enterMaintenance(1);
  assert.deepEqual([task.descriptionId, task.entity?.value, task.entityName, task.state, task.cancelable], ["HostSystem.enterMaintenanceMode", "host-21", hostName(1), TaskState.RUNNING, true]);
  await eventually("the database is on the other host", async () => (await hostOf(database)) === hostName(2));
  const children = (await world.tasks.listTasks({ pageSize: 0, pageToken: "" })).tasks.filter((each) => each.parentTaskKey !== "");
  assert.deepEqual(children.map((each) => [each.descriptionId, each.entity?.value, each.parentTaskKey, each.rootTaskKey]), [["VirtualMachine.migrate", database.value, task.task?.value, task.task?.value]]);
  await eventually("half of the way is done", async () => (await taskNow(task)).progress === 50);
  const waiting = await show(1);
  assert.deepEqual([waiting.inMaintenanceMode, waiting.evacuation?.task?.value, waiting.evacuation?.purpose], [false, task.task?.value, HostEvacuationPurpose.MAINTENANCE]);
  await destroyPod("uid-1");
  const ended = await world.ended(task);
  assert.deepEqual([ended.state, ended.cancelable], [TaskState.SUCCESS, false]);
  const there = await show(1);
  assert.deepEqual([there.inMaintenanceMode, there.evacuation], [true, undefined]);
  assert.equal(await hostOf(archive), hostName(1));
  assert.deepEqual(world.kv.keys("/spheresim/vcenter/tasks/"), []);
  assert.deepEqual(await eventTypes(1), ["EnteringMaintenanceModeEvent", "EnteredMaintenanceModeEvent"]);
});

test("from the call on nothing is placed, held, created, powered on or migrated there; other hosts take it", async () => {
  world = await World.start(2);
  await world.deploy("uid-1", { hosts: onHosts(1) });
  const off = await create("off", 1, false);
  const elsewhere = await create("elsewhere", 2);
  await world.place("uid-held", { hosts: onHosts(1) });
  const task = await world.enterMaintenance(1);
  assert.deepEqual((await world.inventory.getInventory({})).holds, []);
  assert.equal((await refusal(world.apply("uid-held"))).fields[0], "key");
  assert.equal((await world.place("uid-2", { hosts: onHosts(1) })).recommendations.length, 0);
  assert.equal((await world.place("uid-2")).recommendations[0]?.actions[0]?.targetHostName, hostName(2));
  assert.equal((await refusal(world.machines.powerOnVm({ requestId: "", vm: off }))).reason, "InvalidState");
  assert.equal((await refusal(world.machines.migrateVm({ requestId: "", vm: elsewhere, host: hostKey(1) }))).reason, "InvalidState");
  const config = VirtualMachineConfigSpec.fromPartial({ name: "late", numCpus: 1, memoryMb: 256 });
  assert.equal((await refusal(world.machines.createVm({ requestId: "", config, host: hostKey(1), pool: undefined, powerOn: false }))).reason, "InvalidState");
  assert.equal((await taskNow(task)).state, TaskState.RUNNING);
});

test("a timeout in emulated time ends the task with Timedout, and the host is as before", async () => {
  const clock = new ManualClock(1_700_000_000_000);
  world = await World.start(2, { clock });
  await world.deploy("uid-1", { hosts: onHosts(1) });
  const before = await show(1);
  const task = await world.enterMaintenance(1, { timeout: { seconds: 90n, nanos: 0 } });
  assert.equal((await show(1)).evacuation?.deadline?.seconds, 1_700_000_090n);
  await clock.advance(89_999);
  assert.equal((await taskNow(task)).state, TaskState.RUNNING);
  await clock.advance(1);
  const ended = await world.ended(task);
  assert.deepEqual([ended.state, ended.error?.fault?.$case, ended.cancelled], [TaskState.ERROR, "timedout", false]);
  assert.deepEqual(await show(1), before);
  assert.deepEqual(world.kv.keys("/spheresim/vcenter/tasks/"), []);
  assert.deepEqual(await eventTypes(1), ["EnteringMaintenanceModeEvent", "TimedOutHostOperationEvent"]);
  assert.equal((await world.place("uid-2", { hosts: onHosts(1) })).recommendations.length, 1);
});

test("cancelled: RequestCanceled, the move that can still be called off is, and the host is as before", async () => {
  world = await World.start(2);
  const vm = await create("vm", 1);
  const before = await show(1);
  const reached = deferred<void>();
  const go = deferred<void>();
  world.esxi.before = (method) => {
    if (method !== "getVm") return undefined;
    reached.resolve();
    return go.promise;
  };
  const task = await world.enterMaintenance(1);
  await reached.promise;
  await world.tasks.cancelTask({ requestId: "", task: task.task });
  const ended = await world.ended(task);
  assert.deepEqual([ended.state, ended.error?.fault?.$case, ended.cancelled], [TaskState.ERROR, "requestCanceled", true]);
  go.resolve();
  const child = (await world.tasks.listTasks({ pageSize: 0, pageToken: "" })).tasks.find((each) => each.parentTaskKey === task.task?.value) ?? assert.fail();
  assert.equal((await world.ended(child)).error?.fault?.$case, "requestCanceled");
  assert.equal(await hostOf(vm), hostName(1));
  assert.deepEqual(await show(1), before);
  assert.deepEqual(await eventTypes(1), ["EnteringMaintenanceModeEvent", "CanceledHostOperationEvent"]);
  assert.equal((await refusal(world.tasks.cancelTask({ requestId: "", task: task.task }))).reason, "NotSupported");
});

for (const behavior of [DrsBehavior.MANUAL, DrsBehavior.PARTIALLY_AUTOMATED]) {
  test(`${DrsBehavior[behavior]}: nothing is moved until a person does it, or the cluster becomes fully automated`, async () => {
    world = await World.start(2);
    await automate(behavior);
    const byHand = await create("by-hand", 1);
    const later = await create("later", 1);
    const task = await world.enterMaintenance(1);
    await settled();
    assert.deepEqual([await hostOf(byHand), await hostOf(later)], [hostName(1), hostName(1)]);
    assert.equal((await world.ended(await world.machines.migrateVm({ requestId: "", vm: byHand, host: hostKey(2) }))).state, TaskState.SUCCESS);
    await eventually("one is left", async () => (await taskNow(task)).progress === 50);
    assert.equal(await hostOf(later), hostName(1));
    await automate(DrsBehavior.FULLY_AUTOMATED);
    assert.equal((await world.ended(task)).state, TaskState.SUCCESS);
    assert.equal(await hostOf(later), hostName(2));
  });
}

test("a VM that no host has room for is tried again a minute later, when there is room", async () => {
  const clock = new ManualClock(1_700_000_000_000);
  world = await World.start(2, { clock });
  const big = await create("big", 1, true, 10_000);
  const other = await create("other", 2, true, 10_000);
  const task = await world.enterMaintenance(1);
  await settled();
  assert.equal(await hostOf(big), hostName(1));
  await world.ended(await world.machines.powerOffVm({ requestId: "", vm: other }));
  await clock.advance(59_999);
  assert.equal((await taskNow(task)).state, TaskState.RUNNING);
  await clock.advance(1);
  assert.equal((await world.ended(task)).state, TaskState.SUCCESS);
  assert.equal(await hostOf(big), hostName(2));
});

test("the task says which VM stays and why, an event tells of each once, and the description goes when nothing stays", async () => {
  const clock = new ManualClock(1_700_000_000_000);
  world = await World.start(2, { clock });
  const big = await create("big", 1, true, 10_000);
  const other = await create("other", 2, true, 10_000);
  await world.deploy("uid-1", { hosts: onHosts(1) });
  const task = await world.enterMaintenance(1);
  const why = /^big stays: No host is compatible with the virtual machine: 1 looked at: .*memory.*; pod-uid-1 stays: a vSphere Pod never moves$/i;
  await eventually("the task says so", async () => why.test((await taskNow(task)).description));
  await clock.advance(60_000);
  await settled();
  const { events } = await world.events.queryEvents({ filter: { entity: (await show(1)).ref, types: ["NoMaintenanceModeDrsRecommendationForVM"], beginTime: undefined, endTime: undefined, eventChainId: task.eventChainId }, pageSize: 0, pageToken: "" });
  assert.deepEqual(events.map(({ vm, reason, fullFormattedMessage }) => [vm?.name, reason?.fault?.$case, fullFormattedMessage]), [
    ["big", "noCompatibleHost", `Unable to automatically migrate big from ${hostName(1)}`],
    ["pod-uid-1", "drsDisabledOnVm", `Unable to automatically migrate pod-uid-1 from ${hostName(1)}`],
  ]);
  await destroyPod("uid-1");
  await eventually("the pod is told of no more", async () => /^big stays: [^;]+$/.test((await taskNow(task)).description));
  await automate(DrsBehavior.MANUAL);
  await eventually("DRS does nothing", async () => (await taskNow(task)).description === "big stays: DRS moves nothing by itself, as it is not fully automated");
  await automate(DrsBehavior.FULLY_AUTOMATED);
  await world.ended(await world.machines.powerOffVm({ requestId: "", vm: other }));
  await clock.advance(60_000);
  const ended = await world.ended(task);
  assert.deepEqual([ended.state, ended.description], [TaskState.SUCCESS, ""]);
  assert.equal(await hostOf(big), hostName(2));
});

test("a move that began and failed is told too, and one that ran out of time ends with what it said last; standby raises no event of maintenance", async () => {
  const clock = new ManualClock(1_700_000_000_000);
  world = await World.start(2, { clock });
  await create("database", 1);
  const go = deferred<void>();
  world.esxi.before = (method) => (method === "receiveVm" ? go.promise : undefined);
  const task = await world.inventory.powerDownHostToStandBy({ requestId: "", host: hostKey(1), timeout: { seconds: 100n, nanos: 0 } });
  const child = await eventually("it is on its way", async () => (await world.tasks.listTasks({ pageSize: 0, pageToken: "" })).tasks.find((each) => each.parentTaskKey === task.task?.value && each.cancelable) ?? false);
  assert.equal((await taskNow(task)).description, "");
  await world.tasks.cancelTask({ requestId: "", task: child.task });
  go.resolve();
  const why = "database stays: The task was canceled by a user.";
  await eventually("the task says so", async () => (await taskNow(task)).description === why);
  world.esxi.before = (method) => {
    if (method === "receiveVm") throw RpcError.unavailable("gone");
  };
  await clock.advance(60_000);
  await eventually("the second try failed as well", async () => /^database stays: The remote host .* is not reachable/.test((await taskNow(task)).description));
  await clock.advance(40_000);
  const ended = await world.ended(task);
  assert.deepEqual([ended.state, ended.error?.fault?.$case], [TaskState.ERROR, "timedout"]);
  assert.match(ended.description, /^database stays: The remote host .* is not reachable/);
  const { events } = await world.events.queryEvents({ filter: { entity: (await show(1)).ref, types: ["NoMaintenanceModeDrsRecommendationForVM"], beginTime: undefined, endTime: undefined, eventChainId: 0 }, pageSize: 0, pageToken: "" });
  assert.deepEqual(events, []);
});

test("evacuate_powered_off_vms: what is off must leave too, and is moved; a VM that is powered off by hand counts as gone without it", async () => {
  world = await World.start(2);
  const off = await create("off", 1, false);
  assert.equal((await world.ended(await world.enterMaintenance(1, { evacuatePoweredOffVms: true }))).state, TaskState.SUCCESS);
  assert.equal(await hostOf(off), hostName(2));
  await automate(DrsBehavior.MANUAL);
  const on = await create("on", 2);
  const task = await world.enterMaintenance(2);
  await world.ended(await world.machines.powerOffVm({ requestId: "", vm: on }));
  assert.equal((await world.ended(task)).state, TaskState.SUCCESS);
  assert.equal(await hostOf(on), hostName(2));
});

test("the wait goes on after a restart of vCenter, with its deadline, and can be cancelled then", async () => {
  const clock = new ManualClock(1_700_000_000_000);
  world = await World.start(2, { clock });
  await world.deploy("uid-1", { hosts: onHosts(1) });
  const first = await world.enterMaintenance(1, { timeout: { seconds: 60n, nanos: 0 } });
  await world.deploy("uid-2", { hosts: onHosts(2) });
  const second = await world.enterMaintenance(2);
  await world.stopVcenter();
  await clock.advance(30_000);
  await world.startVcenter();
  await world.connected(2);
  assert.equal((await taskNow(first)).state, TaskState.RUNNING);
  assert.equal((await taskNow(first)).eventChainId, first.eventChainId);
  assert.equal((await show(1)).evacuation?.task?.value, first.task?.value);
  assert.equal((await world.place("uid-3")).recommendations.length, 0);
  await clock.advance(30_000);
  assert.equal((await world.ended(first)).error?.fault?.$case, "timedout");
  const third = await world.enterMaintenance(1);
  assert.ok(third.eventChainId > second.eventChainId, "chains do not repeat");
  await world.tasks.cancelTask({ requestId: "", task: third.task });
  await world.tasks.cancelTask({ requestId: "", task: second.task });
  assert.equal((await world.ended(second)).error?.fault?.$case, "requestCanceled");
  assert.equal((await world.ended(third)).error?.fault?.$case, "requestCanceled");
  assert.deepEqual([(await show(1)).evacuation, (await show(2)).evacuation], [undefined, undefined]);
  assert.deepEqual(world.kv.keys("/spheresim/vcenter/tasks/"), []);
});

test("a host that is disconnected on its way ends the task with HostNotConnected; one that does not respond goes on waiting", async () => {
  world = await World.start(2);
  await world.deploy("uid-1", { hosts: onHosts(1) });
  const lost = await world.enterMaintenance(1);
  await world.esxi.stop();
  await eventually("it does not respond", async () => (await show(1)).connectionState === HostConnectionState.NOT_RESPONDING);
  assert.equal((await taskNow(lost)).state, TaskState.RUNNING);
  await world.inventory.setHostConnection({ requestId: "", host: hostKey(1), connected: false });
  assert.equal((await world.ended(lost)).error?.fault?.$case, "hostNotConnected");
  assert.equal((await show(1)).evacuation, undefined);
});

test("standby: evacuated and asleep, it is no candidate, and its capacity still counts; woken it is one again", async () => {
  world = await World.start(2);
  const vm = await create("vm", 1);
  const capacity = async (): Promise<number | undefined> => (await world.inventory.getInventory({})).resourcePools[0]?.usage?.unreservedMemoryMb;
  const task = await world.ended(await world.inventory.powerDownHostToStandBy({ requestId: "", host: hostKey(1), timeout: undefined }));
  assert.deepEqual([task.descriptionId, task.state], ["HostSystem.enterStandbyMode", TaskState.SUCCESS]);
  assert.equal(await hostOf(vm), hostName(2));
  assert.equal((await show(1)).powerState, HostPowerState.STAND_BY);
  const asleep = await capacity();
  const refused = await world.place("uid-1", { hosts: onHosts(1) });
  assert.equal(refused.verdicts[0]?.verdict?.$case === "fault" ? refused.verdicts[0].verdict.value.fault?.$case : "", "invalidPowerState");
  await world.stopVcenter();
  await world.startVcenter();
  await world.connected(2);
  assert.equal((await show(1)).powerState, HostPowerState.STAND_BY);
  const woken = await world.ended(await world.inventory.powerUpHostFromStandBy({ requestId: "", host: hostKey(1) }));
  assert.deepEqual([woken.descriptionId, woken.state], ["HostSystem.exitStandbyMode", TaskState.SUCCESS]);
  assert.equal(await capacity(), asleep);
  assert.equal((await world.place("uid-1", { hosts: onHosts(1) })).recommendations.length, 1);
  assert.deepEqual(await eventTypes(1), ["EnteringStandbyModeEvent", "EnteredStandbyModeEvent", "ExitingStandbyModeEvent", "ExitedStandbyModeEvent"]);
});

test("a VM whose host says that it is gone keeps no host from maintenance", async () => {
  world = await World.start(1);
  await automate(DrsBehavior.MANUAL);
  const vm = await create("vm", 1);
  const host = world.esxi.hosts.get(hostName(1)) ?? assert.fail();
  const task = await world.enterMaintenance(1);
  assert.equal((await taskNow(task)).state, TaskState.RUNNING);
  await world.esxi.stop();
  host.vms.clear();
  await world.esxi.start();
  assert.equal((await world.ended(task)).state, TaskState.SUCCESS);
  assert.equal((await world.machines.getVm({ target: { $case: "vm", value: vm } })).connectionState, VirtualMachineConnectionState.ORPHANED);
});

test("a host whose evacuation is called off is as before, also while the line of changes is full", async () => {
  world = await World.start(2);
  await automate(DrsBehavior.MANUAL);
  await create("stays", 1);
  const task = await world.enterMaintenance(1);
  const slow = deferred<void>();
  world.kv.before = () => slow.promise;
  const name = (count: number): string => `datacenter ${count}`;
  let refused = 0;
  const line = Array.from({ length: 1_001 }, (_, count) => world.inventory.createDatacenter({ requestId: "", name: name(count) }).catch(() => void (refused += 1)));
  await eventually("the line is full", () => refused === 1);
  await world.tasks.cancelTask({ requestId: "", task: task.task });
  slow.resolve();
  await Promise.all(line);
  assert.equal((await world.ended(task)).error?.fault?.$case, "requestCanceled");
  assert.equal((await show(1)).evacuation, undefined);
});

test("a timeout that ends when no calendar does is refused, and the host stays open", async () => {
  world = await World.start(1);
  const timeout = { seconds: 2n ** 63n - 1n, nanos: 0 };
  for (const call of [world.enterMaintenance(1, { timeout }), world.inventory.powerDownHostToStandBy({ requestId: "", host: hostKey(1), timeout })]) {
    const { reason, fields } = await refusal(call);
    assert.deepEqual([reason, fields], ["InvalidArgument", ["timeout"]]);
  }
  assert.equal((await show(1)).evacuation, undefined);
});
