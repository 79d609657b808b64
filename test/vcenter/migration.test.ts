import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { ManualClock } from "../../src/base/clock.js";
import { deferred } from "../../src/base/deferred.js";
import { latencyProfile } from "../../src/base/latency-profile.js";
import { RpcError } from "../../src/base/rpc-error.js";
import type { VirtualMachine } from "../../src/gen/spheresim/vcenter/v1/inventory.js";
import type { ManagedObjectReference } from "../../src/gen/spheresim/vim/v1/managed_object.js";
import { type TaskInfo, TaskState } from "../../src/gen/spheresim/vim/v1/task.js";
import { type HostKey, VirtualMachineConfigSpec, VirtualMachinePowerState } from "../../src/gen/spheresim/vim/v1/virtual_machine.js";
import { eventually } from "../support/eventually.js";
import { refusal } from "./refusal.js";
import { HOST, hostKey, hostName, World } from "./world.js";

const ON = VirtualMachinePowerState.POWERED_ON;

let world: World;
afterEach(() => world.close());

/** An ordinary VM on host 1 that reserves 1000 MHz and its whole memory. */
async function create(name: string, powerOn: boolean, change: Partial<VirtualMachineConfigSpec> = {}, host = 1): Promise<ManagedObjectReference> {
  const config = VirtualMachineConfigSpec.fromPartial({ name, numCpus: 2, memoryMb: 2048, cpuAllocation: { reservation: 1000 }, memoryAllocation: { reservation: 2048 } });
  const task = await world.ended(await world.machines.createVm({ requestId: "", config: { ...config, ...change }, host: hostKey(host), pool: undefined, powerOn }));
  assert.equal(task.state, TaskState.SUCCESS);
  return task.result ?? assert.fail("no VM");
}

function migrate(vm: ManagedObjectReference, host?: HostKey): Promise<TaskInfo> {
  return world.machines.migrateVm({ requestId: "", vm, host });
}

function show(vm: ManagedObjectReference): Promise<VirtualMachine> {
  return world.machines.getVm({ target: { $case: "vm", value: vm } });
}

async function reserved(): Promise<(number | undefined)[]> {
  return (await world.inventory.getInventory({})).hosts.map((host) => host.usage?.reservedCpuMhz);
}

/** Names of the hosts that have the VM. */
function whereIs(vm: VirtualMachine): string[] {
  return world.esxi.vms.filter((each) => each.config?.instanceUuid === vm.config?.instanceUuid).map((each) => each.hostName);
}

test("a running VM moves and keeps running; both hosts keep capacity for it on the way, its pool is charged once", async () => {
  world = await World.start(2);
  const vm = await create("database", true);
  const released = deferred<void>();
  world.esxi.before = (method) => (method === "releaseVm" ? released.promise : undefined);
  const task = await migrate(vm, hostKey(2));
  assert.equal(task.descriptionId, "VirtualMachine.migrate");
  assert.equal(task.host?.value, "host-22");
  await eventually("the target has it", async () => (await show(vm)).hostName === hostName(2));
  assert.deepEqual(await reserved(), [1000, 1000]);
  const { resourcePools } = await world.inventory.getInventory({});
  assert.equal(resourcePools[0]?.usage?.reservationUsedCpuMhz, 1000);
  const onTheWay = await show(vm);
  assert.deepEqual([onTheWay.migration?.sourceHost?.value, onTheWay.migration?.targetHost?.value], ["host-21", "host-22"]);
  assert.equal((await world.tasks.getTask({ task: task.task })).progress, 80);
  released.resolve();
  const ended = await world.ended(task);
  assert.equal(ended.state, TaskState.SUCCESS);
  assert.deepEqual(await reserved(), [0, 1000]);
  const moved = await show(vm);
  assert.deepEqual([moved.hostName, moved.powerState, moved.migration, whereIs(moved)], [hostName(2), ON, undefined, [hostName(2)]]);
  assert.equal(world.esxi.count("powerOnVm") + world.esxi.count("createVm"), 1, "nothing was powered on again");
  assert.deepEqual(world.kv.keys("/spheresim/vcenter/tasks/"), []);
});

test("a powered-off VM moves to a full host: it reserves nothing there until it is powered on", async () => {
  world = await World.start(2);
  await create("full", true, { numCpus: 8, cpuAllocation: { reservation: HOST.cores * HOST.coreMhz, expandableReservation: undefined, limit: undefined, shares: undefined } }, 2);
  const vm = await create("off", false);
  assert.equal((await world.ended(await migrate(vm, hostKey(2)))).state, TaskState.SUCCESS);
  assert.deepEqual(whereIs(await show(vm)), [hostName(2)]);
  assert.equal((await refusal(world.machines.powerOnVm({ requestId: "", vm }))).reason, "InsufficientHostCpuCapacityFault");
});

test("without a host DRS chooses one, never the VM's own; where none will do the fault names each host", async () => {
  world = await World.start(3);
  const vm = await create("vm", true);
  await create("busy", true, { activity: { profile: { $case: "constant", value: { cpuMhz: 4000, memoryMb: 2048 } }, startTime: undefined } }, 2);
  assert.equal((await world.ended(await migrate(vm))).host?.value, "host-23");
  for (const host of [1, 2]) await world.maintain(host);
  const { reason, fault } = await refusal(migrate(vm));
  assert.equal(reason, "NoCompatibleHost");
  assert.ok(fault.fault?.$case === "noCompatibleHost");
  assert.deepEqual(fault.fault.value.host.map((host) => host.value), ["host-21", "host-22"]);
  assert.deepEqual(fault.fault.value.error.map((each) => each.fault?.$case), ["invalidState", "invalidState"]);
});

test("what cannot move, and where nothing can go, is refused with the real fault and changes nothing", async () => {
  world = await World.start(2);
  world.esxi.addHost(hostName(3), 1000, 1024);
  await world.addHost(3, { numCpuCores: 1, cpuMhz: 1000, memoryMb: 1024, datastores: [], networks: [] });
  world.esxi.addHost(hostName(4), HOST.cores * HOST.coreMhz, HOST.memoryMb);
  await world.addHost(4, { datastores: ["other"], networks: [] });
  await world.connected(4);
  const pod = (await world.deploy("uid-1")).result ?? assert.fail();
  const vm = await create("vm", true, { devices: [{ key: 1, backing: { $case: "disk", value: { capacityKb: 1n, uuid: "", datastore: "vsan", controller: "pvscsi" } } }] });
  const before = JSON.stringify([...world.kv.map]);

  assert.equal((await refusal(migrate(pod, hostKey(2)))).reason, "NotSupported");
  assert.equal((await refusal(migrate({ type: "VirtualMachine", value: "vm-999" }))).reason, "ManagedObjectNotFound");
  assert.deepEqual((await refusal(world.machines.migrateVm({ requestId: "", vm: undefined, host: undefined }))).fields, ["vm"]);
  assert.deepEqual((await refusal(migrate(vm, { key: { $case: "name", value: "nowhere" } }))).fields, ["host.name"]);
  assert.deepEqual((await refusal(migrate(vm, { key: undefined }))).fields, ["host"]);
  assert.deepEqual((await refusal(migrate(vm, hostKey(1)))).fields, ["host"]);
  assert.equal((await refusal(migrate(vm, hostKey(3)))).reason, "NotEnoughCpus");
  assert.equal((await refusal(migrate(vm, hostKey(4)))).reason, "CannotAccessDatastore");
  await world.maintain(2);
  assert.equal((await refusal(migrate(vm, hostKey(2)))).reason, "InvalidState");
  await world.ended(await world.inventory.exitMaintenanceMode({ requestId: "", host: hostKey(2) }));
  await world.inventory.setHostConnection({ requestId: "", host: hostKey(2), connected: false });
  assert.equal((await refusal(migrate(vm, hostKey(2)))).reason, "HostNotConnected");
  await world.inventory.setHostConnection({ requestId: "", host: hostKey(2), connected: true });
  await world.connected(4);
  assert.equal(JSON.stringify([...world.kv.map]), before);
  assert.equal(world.esxi.count("receiveVm"), 0);
});

test("a host whose name is of another cluster is no host for the VM", async () => {
  world = await World.start(1);
  const vm = await create("vm", false);
  const datacenter = (await world.inventory.getInventory({})).datacenters[0];
  const other = await world.inventory.createCluster({ requestId: "", datacenter: datacenter?.ref, name: "other" });
  world.esxi.addHost(hostName(9), 1000, 1024);
  await world.inventory.addHost({ requestId: "", cluster: other.ref, spec: { name: hostName(9), numCpuCores: 1, cpuMhz: 1000, memoryMb: 1024, datastores: [], networks: [], labels: {} }, address: world.esxi.address });
  assert.deepEqual((await refusal(migrate(vm, hostKey(9)))).fields, ["host.name"]);
});

test("a target that is lost in the middle: HostNotReachable, the VM stays, and the half that arrived is released at reconnect", async () => {
  world = await World.start(2);
  const vm = await create("vm", true);
  // The target takes it; from then on nothing is heard of it.
  let lost = false;
  world.esxi.afterReceive = () => {
    lost = true;
    throw RpcError.unavailable("no answer");
  };
  world.esxi.before = (_method, host) => {
    if (lost && host === hostName(2)) throw RpcError.unavailable("no answer");
  };
  const task = await world.ended(await migrate(vm, hostKey(2)));
  assert.equal(task.error?.fault?.$case, "hostNotReachable");
  const stayed = await show(vm);
  assert.deepEqual([stayed.hostName, stayed.powerState, stayed.migration], [hostName(1), ON, undefined]);
  assert.deepEqual(await reserved(), [1000, 0]);
  assert.deepEqual(whereIs(stayed).toSorted(), [hostName(1), hostName(2)]);
  world.esxi.afterReceive = undefined;
  world.esxi.before = undefined;
  await world.esxi.stop();
  await world.esxi.start();
  await world.connected(2);
  await eventually("the half is released", () => whereIs(stayed).join() === hostName(1));
  assert.equal((await world.ended(await migrate(vm, hostKey(2)))).state, TaskState.SUCCESS, "and it can move later");
});

test("a source that is lost after the switch: the VM has moved, and its source releases it at reconnect", async () => {
  world = await World.start(2);
  const vm = await create("vm", true);
  world.esxi.before = (method) => {
    if (method === "releaseVm") throw RpcError.unavailable("no answer");
  };
  const task = await world.ended(await migrate(vm, hostKey(2)));
  assert.equal(task.state, TaskState.SUCCESS);
  const moved = await show(vm);
  assert.equal(moved.hostName, hostName(2));
  assert.deepEqual(whereIs(moved).toSorted(), [hostName(1), hostName(2)]);
  world.esxi.before = undefined;
  await world.esxi.stop();
  await world.esxi.start();
  await world.connected(2);
  await eventually("the source has released it", () => whereIs(moved).join() === hostName(2));
  assert.equal((await show(vm)).powerState, ON);
  assert.equal(world.esxi.count("destroyVm"), 0, "its files are on a datastore both hosts share");
});

test("a migration that is cancelled before the target has the VM leaves it where it was", async () => {
  world = await World.start(2);
  const vm = await create("vm", true);
  const reached = deferred<void>();
  const go = deferred<void>();
  world.esxi.before = (method) => {
    if (method !== "receiveVm") return undefined;
    reached.resolve();
    return go.promise;
  };
  const task = await migrate(vm, hostKey(2));
  await reached.promise;
  assert.ok((await world.tasks.cancelTask({ requestId: "", task: task.task })).cancelable);
  const ended = await world.ended(task);
  assert.deepEqual([ended.cancelled, ended.error?.fault?.$case], [true, "requestCanceled"]);
  assert.deepEqual(await reserved(), [1000, 0]);
  // The host goes on with what it was asked for all the same.
  go.resolve();
  const stayed = await show(vm);
  await eventually("the half is released", () => world.esxi.count("releaseVm") >= 2 && whereIs(stayed).join() === hostName(1));
  world.esxi.before = undefined;
  assert.equal((await world.ended(await migrate(vm, hostKey(2)))).state, TaskState.SUCCESS, "and it can move later");
});

test("a cancelled migration keeps the target's capacity until the target has released its half", async () => {
  world = await World.start(2);
  const vm = await create("vm", true);
  const go = deferred<void>();
  const releasing = deferred<void>();
  // The target has it, and its answer comes late.
  world.esxi.before = (method) => {
    if (method !== "releaseVm") return undefined;
    releasing.resolve();
    return go.promise;
  };
  world.esxi.afterReceive = () => {
    throw RpcError.unavailable("no answer");
  };
  const task = await migrate(vm, hostKey(2));
  await eventually("the target has it", () => world.esxi.hosts.get(hostName(2))?.vms.size === 1);
  await world.tasks.cancelTask({ requestId: "", task: task.task });
  await releasing.promise;
  assert.deepEqual(await reserved(), [1000, 1000]);
  go.resolve();
  assert.equal((await world.ended(task)).cancelled, true);
  assert.deepEqual(await reserved(), [1000, 0]);
  assert.deepEqual(whereIs(await show(vm)), [hostName(1)]);
});

test("more migrations of a host than it takes at a time are queued, and can be cancelled there", async () => {
  world = await World.start(2);
  const vms = await Promise.all(Array.from({ length: 10 }, (_, index) => create(`vm-${index}`, false)));
  const go = deferred<void>();
  world.esxi.before = (method) => (method === "receiveVm" ? go.promise : undefined);
  const tasks: TaskInfo[] = [];
  for (const vm of vms) tasks.push(await migrate(vm, hostKey(2)));
  assert.deepEqual(tasks.map((task) => task.state), [...Array<TaskState>(8).fill(TaskState.RUNNING), TaskState.QUEUED, TaskState.QUEUED]);
  assert.equal(tasks[9]?.startTime, undefined);
  await world.tasks.cancelTask({ requestId: "", task: tasks[8]?.task });
  assert.equal((await world.ended(tasks[8] ?? assert.fail())).cancelled, true);
  go.resolve();
  const ended = await Promise.all(tasks.map((task) => world.ended(task)));
  assert.deepEqual(ended.map((task) => task.state), [...Array<TaskState>(8).fill(TaskState.SUCCESS), TaskState.ERROR, TaskState.SUCCESS]);
  assert.equal(world.esxi.hosts.get(hostName(2))?.vms.size, 9);
});

test("while it moves, nothing else is done to the VM, and neither host can be removed", async () => {
  world = await World.start(2);
  const vm = await create("vm", false);
  const go = deferred<void>();
  world.esxi.before = (method) => (method === "receiveVm" ? go.promise : undefined);
  const task = await migrate(vm, hostKey(2));
  assert.equal((await refusal(world.machines.powerOnVm({ requestId: "", vm }))).reason, "TaskInProgress");
  assert.equal((await refusal(migrate(vm, hostKey(2)))).reason, "TaskInProgress");
  assert.equal((await refusal(world.inventory.removeHost({ requestId: "", host: hostKey(2) }))).reason, "ResourceInUse");
  go.resolve();
  await world.ended(task);
});

test("copying takes the time of a vMotion on the emulated clock, by the memory; its task says how far it is; one that is off takes none", async () => {
  const clock = new ManualClock();
  world = await World.start(2, { clock, profile: latencyProfile("supervisor-1.21") });
  const [vm, off] = [await create("database", true), await create("off", false)];
  assert.equal((await world.ended(await migrate(off, hostKey(2)))).state, TaskState.SUCCESS);
  const task = await migrate(vm, hostKey(2));
  const progress = (percent: number) => eventually(`it is at ${percent} %`, async () => (await world.tasks.getTask({ task: task.task })).progress === percent);
  await progress(10);
  // 2 s and 2 GB of 900 ms, told in eight steps of which four are over.
  for (const percent of [15, 20, 25, 30]) {
    await eventually("it copies", () => clock.waiting > 0);
    await clock.advance(3_800 / 8);
    await progress(percent);
  }
  assert.deepEqual(whereIs(await show(vm)), [hostName(1)]);
  // A vCenter that takes it up copies anew.
  await world.stopVcenter();
  await world.startVcenter();
  await world.connected(2);
  await progress(10);
  await eventually("it ends", async () => {
    await clock.advance(3_800 / 8);
    return (await world.tasks.getTask({ task: task.task })).completeTime !== undefined;
  });
  assert.deepEqual([(await world.tasks.getTask({ task: task.task })).state, whereIs(await show(vm))], [TaskState.SUCCESS, [hostName(2)]]);
});

test("a migration that is cancelled while it copies ends at once, and the VM stays", async () => {
  const clock = new ManualClock();
  world = await World.start(2, { clock, profile: latencyProfile("supervisor-1.21") });
  const vm = await create("database", true);
  const task = await migrate(vm, hostKey(2));
  await eventually("it copies", async () => (await world.tasks.getTask({ task: task.task })).progress === 10);
  await world.tasks.cancelTask({ requestId: "", task: task.task });
  const ended = await world.ended(task);
  assert.deepEqual([ended.state, ended.cancelled], [TaskState.ERROR, true]);
  assert.deepEqual([whereIs(await show(vm)), await reserved()], [[hostName(1)], [1000, 0]]);
});

test("a migration that is called off before it is stored takes nobody else out of the line of its hosts", async () => {
  world = await World.start(2);
  const vms: ManagedObjectReference[] = [];
  for (let count = 0; count < 10; count += 1) vms.push(await create(`vm-${count}`, false));
  const [ninth, tenth] = vms.slice(8);
  const copied = deferred<void>();
  world.esxi.before = (method) => (method === "getVm" ? copied.promise : undefined);
  for (const vm of vms.slice(0, 8)) await migrate(vm, hostKey(2));
  const waiting = await migrate(ninth ?? assert.fail(), hostKey(2));
  const stored = deferred<void>();
  world.kv.before = () => stored.promise;
  const late = migrate(tenth ?? assert.fail(), hostKey(2));
  const task = await eventually("it is registered", async () => (await world.tasks.listTasks({ pageSize: 0, pageToken: "" })).tasks.find((each) => each.entity?.value === tenth?.value && each.completeTime === undefined));
  await world.tasks.cancelTask({ requestId: "", task: task.task });
  stored.resolve();
  assert.equal((await world.ended(await late)).error?.fault?.$case, "requestCanceled");
  copied.resolve();
  assert.equal((await world.ended(waiting)).state, TaskState.SUCCESS);
});
