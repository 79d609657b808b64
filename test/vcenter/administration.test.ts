import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { deferred } from "../../src/base/deferred.js";
import { silentLogger } from "../../src/base/log.js";
import { monotonicClock } from "../../src/base/clock.js";
import { RpcError } from "../../src/base/rpc-error.js";
import { HostConnectionState, type InventoryUpdate, VirtualMachineConnectionState } from "../../src/gen/spheresim/vcenter/v1/inventory.js";
import type { TaskUpdate } from "../../src/gen/spheresim/vcenter/v1/task.js";
import { CreateResourcePoolRequest, UpdateResourcePoolRequest } from "../../src/gen/spheresim/vcenter/v1/resource_pool.js";
import type { DuplicateName, MethodFault } from "../../src/gen/spheresim/vim/v1/fault.js";
import { TaskState } from "../../src/gen/spheresim/vim/v1/task.js";
import { UpdateKind } from "../../src/gen/spheresim/vim/v1/update.js";
import { type HostKey, VirtualMachineConfigSpec, VirtualMachinePowerState } from "../../src/gen/spheresim/vim/v1/virtual_machine.js";
import { ScaleSharesBehavior } from "../../src/gen/spheresim/vim/v1/resource.js";
import { MemoryTable, startEtcd } from "../../src/etcd/index.js";
import { EtcdKeyValue } from "../../src/vcenter/client.js";
import { eventually } from "../support/eventually.js";
import { refusal } from "./refusal.js";
import { hostKey, hostName, onHosts, World } from "./world.js";

let world: World;
afterEach(() => world.close());

async function reason(call: Promise<unknown>): Promise<string> {
  const error = await call.then(
    () => undefined,
    (caught: unknown) => caught,
  );
  if (error === undefined) return "taken";
  assert.ok(error instanceof RpcError);
  return [error.reason?.reason ?? error.codeName, ...error.violations.map((each) => each.field)].join(" ");
}

test("moids are those of a fresh vCenter", async () => {
  world = await World.start(2);
  const inventory = await world.inventory.getInventory({});
  assert.equal(inventory.datacenters[0]?.ref?.value, "datacenter-3");
  assert.equal(inventory.clusters[0]?.ref?.value, "domain-c8");
  assert.equal(inventory.clusters[0]?.rootPool?.value, "resgroup-9");
  assert.deepEqual(inventory.hosts.map((host) => host.ref?.value), ["host-21", "host-22"]);
  const about = await world.inventory.getAbout({});
  assert.deepEqual([about.apiType, about.epoch], ["VirtualCenter", 1n]);
});

test("a datacenter's name is there once, a cluster's once in its datacenter; DuplicateName names who has it", async () => {
  world = await World.start(1);
  const { inventory } = world;
  const before = await inventory.getInventory({});
  const datacenter = before.datacenters[0]?.ref;
  const fault = (value: DuplicateName): MethodFault => ({ localizedMessage: `The name "${value.name}" already exists.`, fault: { $case: "duplicateName", value } });
  const twice = await refusal(inventory.createDatacenter({ requestId: "", name: "dc-01" }));
  assert.deepEqual([twice.reason, twice.fault], ["DuplicateName", fault({ name: "dc-01", object: { type: "Datacenter", value: "datacenter-3" } })]);
  const again = await refusal(inventory.createCluster({ requestId: "", datacenter, name: "supervisor-01" }));
  assert.deepEqual([again.reason, again.fault], ["DuplicateName", fault({ name: "supervisor-01", object: { type: "ClusterComputeResource", value: "domain-c8" } })]);
  assert.deepEqual(await inventory.getInventory({}), before);
  const other = await inventory.createDatacenter({ requestId: "mine", name: "dc-02" });
  assert.deepEqual(await inventory.createDatacenter({ requestId: "mine", name: "dc-02" }), other);
  assert.equal((await inventory.createCluster({ requestId: "", datacenter: other.ref, name: "supervisor-01" })).datacenter?.value, other.ref?.value);
});

test("the inventory survives a restart, ids go on, and the instance uuid stays", async () => {
  world = await World.start(2);
  await world.pools.createResourcePool(CreateResourcePoolRequest.fromPartial({ name: "ns", namespace: "ns" }));
  await world.maintain(2);
  await world.deploy("uid-1");
  const before = await world.inventory.getInventory({});
  const about = await world.inventory.getAbout({});
  await world.stopVcenter();
  await world.startVcenter();
  await world.connected(2);
  await eventually("the VM is on", async () => (await world.machines.getVm({ target: { $case: "ownerUid", value: "uid-1" } })).connectionState === VirtualMachineConnectionState.CONNECTED);
  assert.deepEqual(await world.inventory.getInventory({}), before);
  const now = await world.inventory.getAbout({});
  assert.deepEqual([now.instanceUuid, now.epoch], [about.instanceUuid, 2n]);
  const task = await world.deploy("uid-2");
  assert.deepEqual([task.result?.value, task.task?.value], ["vm-102", "task-3"]);
  assert.equal(world.esxi.count("destroyVm"), 0);
});

test("after a crash no id comes back, though nobody wrote the last ones", async () => {
  world = await World.start(1);
  await world.deploy("uid-1");
  await world.ended(await world.machines.destroyVm({ requestId: "", target: { $case: "ownerUid", value: "uid-1" }, powerOff: true, uuid: "" }));
  // No clean stop: another one simply starts on the same records.
  await world.startVcenter();
  await world.connected(1);
  const task = await world.deploy("uid-1");
  assert.equal(task.result?.value, "vm-1101");
});

test("hosts: removal waits for VMs, disconnection stops placing, reconnection brings the VMs back", async () => {
  world = await World.start(2);
  await world.deploy("uid-1", { hosts: onHosts(1) });
  assert.equal(await reason(world.inventory.removeHost({ requestId: "", host: hostKey(1) })), "ResourceInUse");
  assert.equal(await reason(world.inventory.removeHost({ requestId: "", host: hostKey(9) })), "ManagedObjectNotFound");
  assert.equal(await reason(world.inventory.removeHost({ requestId: "", host: undefined })), "InvalidArgument host");
  await world.inventory.removeHost({ requestId: "", host: hostKey(2) });

  const off = await world.inventory.setHostConnection({ requestId: "", host: hostKey(1), connected: false });
  assert.equal(off.connectionState, HostConnectionState.DISCONNECTED);
  const vm = await world.machines.getVm({ target: { $case: "ownerUid", value: "uid-1" } });
  assert.equal(vm.connectionState, VirtualMachineConnectionState.DISCONNECTED);
  assert.equal((await world.place("uid-2")).recommendations.length, 0);
  const failed = await world.ended(await world.machines.destroyVm({ requestId: "", target: { $case: "ownerUid", value: "uid-1" }, powerOff: true, uuid: "" }));
  assert.equal(failed.error?.fault?.$case, "hostNotConnected");
  await world.inventory.setHostConnection({ requestId: "", host: hostKey(1), connected: true });
  await world.connected(1);
  assert.equal((await world.place("uid-2")).recommendations.length, 1);
});

test("ordinary VMs: create, activity, power off and on, destroy; illegal moves name their states", async () => {
  world = await World.start(1);
  const config = VirtualMachineConfigSpec.fromPartial({ name: "db", numCpus: 2, memoryMb: 2048, memoryAllocation: { reservation: 1024 } });
  const create = (change: Partial<VirtualMachineConfigSpec>, host: HostKey | undefined = hostKey(1)): ReturnType<World["machines"]["createVm"]> =>
    world.machines.createVm({ requestId: "", config: { ...config, ...change }, host, pool: undefined, powerOn: false });
  assert.equal(await reason(create({ ownerUid: "x" })), "InvalidArgument config.owner_uid");
  assert.equal(await reason(create({ guestId: "crxPod1Guest" })), "InvalidArgument config.guest_id");
  assert.equal(await reason(create({}, hostKey(9))), "InvalidArgument host.name");
  const vm = (await world.ended(await create({}))).result ?? assert.fail();
  const reserved = async (): Promise<number | undefined> => (await world.inventory.getInventory({})).hosts[0]?.usage?.reservedMemoryMb;
  assert.equal(await reserved(), 0);
  assert.equal(await reason(world.machines.powerOffVm({ requestId: "", vm })), "InvalidPowerState");
  await world.ended(await world.machines.powerOnVm({ requestId: "", vm }));
  assert.equal(await reserved(), 1024 + 38);
  assert.equal(await reason(world.machines.powerOnVm({ requestId: "", vm })), "InvalidPowerState");
  const target = { $case: "vm", value: vm } as const;
  assert.equal(await reason(world.machines.destroyVm({ requestId: "", target, powerOff: false, uuid: "" })), "InvalidPowerState");
  assert.equal(await reason(world.machines.destroyVm({ requestId: "", target, powerOff: true, uuid: "50-other" })), "OwnerMismatch");
  assert.equal(await reason(world.machines.destroyVm({ requestId: "", target: undefined, powerOff: true, uuid: "" })), "InvalidArgument target");
  const busy = await world.machines.setActivity({ requestId: "", vm, activity: { profile: { $case: "constant", value: { cpuMhz: 1500, memoryMb: 700 } }, startTime: undefined } });
  assert.deepEqual(busy.activity?.profile, { $case: "constant", value: { cpuMhz: 1500, memoryMb: 700 } });
  assert.equal((await world.inventory.getInventory({})).hosts[0]?.usage?.activeCpuMhz, 1500);
  assert.equal(await reason(world.machines.setActivity({ requestId: "", vm, activity: { profile: { $case: "trace", value: { samples: [], repeatEvery: undefined } }, startTime: undefined } })), "InvalidArgument activity.trace.samples");
  const off = await world.ended(await world.machines.powerOffVm({ requestId: "", vm }));
  assert.equal(off.state, TaskState.SUCCESS);
  assert.equal(await reserved(), 0);
  assert.equal((await world.machines.getVm({ target })).powerState, VirtualMachinePowerState.POWERED_OFF);
  await world.ended(await world.machines.destroyVm({ requestId: "", target, powerOff: false, uuid: "" }));
  assert.equal(await reason(world.machines.getVm({ target })), "ManagedObjectNotFound");
  assert.equal(await reason(world.machines.getVm({ target: { $case: "ownerUid", value: "nobody" } })), "ManagedObjectNotFound");
});

test("a task holds its VM: a second one is TaskInProgress", async () => {
  world = await World.start(1);
  await world.place("uid-1");
  let release: () => void = () => undefined;
  world.esxi.before = (method) => (method === "createVm" ? new Promise<void>((resolve) => (release = resolve)) : undefined);
  const task = await world.apply("uid-1");
  assert.equal(await reason(world.machines.destroyVm({ requestId: "", target: { $case: "ownerUid", value: "uid-1" }, powerOff: true, uuid: "" })), "TaskInProgress");
  await eventually("HostD is asked", () => world.esxi.count("createVm") === 1);
  release();
  assert.equal((await world.ended(task)).state, TaskState.SUCCESS);
  assert.equal(await reason(world.tasks.cancelTask({ requestId: "", task: task.task })), "NotSupported");
  assert.equal(await reason(world.tasks.getTask({ task: { type: "Task", value: "task-99" } })), "ManagedObjectNotFound");
});

test("pools: names, reservations against the parent, limits, and destruction", async () => {
  world = await World.start(1);
  const gold = await world.pools.createResourcePool(CreateResourcePoolRequest.fromPartial({ name: "gold", config: { memoryAllocation: { reservation: 10_000 } } }));
  assert.equal(gold.config?.memoryAllocation?.shares?.shares, 163_840);
  assert.equal(await reason(world.pools.createResourcePool(CreateResourcePoolRequest.fromPartial({ name: "gold" }))), "DuplicateName");
  assert.equal(await reason(world.pools.createResourcePool(CreateResourcePoolRequest.fromPartial({ name: "silver", config: { memoryAllocation: { reservation: 10_000 } } }))), "InsufficientMemoryResourcesFault");
  assert.equal(await reason(world.pools.createResourcePool(CreateResourcePoolRequest.fromPartial({ name: "x", config: { cpuAllocation: { reservation: 2, limit: 1 } } }))), "InvalidArgument config.cpu_allocation.reservation");
  assert.equal(await reason(world.pools.createResourcePool(CreateResourcePoolRequest.fromPartial({ name: "" }))), "InvalidArgument name");
  assert.equal(await reason(world.pools.createResourcePool(CreateResourcePoolRequest.fromPartial({ name: "a/b" }))), "InvalidArgument name");
  assert.equal(await reason(world.pools.createResourcePool(CreateResourcePoolRequest.fromPartial({ name: "x", parent: { type: "ResourcePool", value: "resgroup-99" } }))), "ManagedObjectNotFound");
  const inner = await world.pools.createResourcePool(CreateResourcePoolRequest.fromPartial({ name: "inner", parent: gold.ref ?? {} }));
  assert.equal(await reason(world.pools.destroyResourcePool({ requestId: "", pool: gold.ref })), "ResourceInUse");
  await world.deploy("uid-1", { pool: inner.ref });
  assert.equal(await reason(world.pools.destroyResourcePool({ requestId: "", pool: inner.ref })), "ResourceInUse");
  const update = (config: UpdateResourcePoolRequest["config"]): Promise<unknown> => world.pools.updateResourcePool(UpdateResourcePoolRequest.fromPartial({ pool: gold.ref ?? {}, config: config ?? {} }));
  const memory = (memoryAllocation: object): UpdateResourcePoolRequest["config"] => ({ cpuAllocation: undefined, memoryAllocation: { shares: undefined, ...memoryAllocation }, scaleDescendantsShares: ScaleSharesBehavior.UNSPECIFIED });
  assert.equal(await reason(update(memory({ limit: 100 }))), "InvalidArgument config.memory_allocation.limit");
  assert.equal(await reason(update(memory({ reservation: 20_000 }))), "InsufficientMemoryResourcesFault");
  assert.equal(await reason(update(memory({ reservation: 500, expandableReservation: false }))), "InsufficientMemoryResourcesFault");
  assert.equal(await reason(update(memory({ reservation: 16_000, limit: 16_000 }))), "taken");
  const root = (await world.inventory.getInventory({})).clusters[0]?.rootPool;
  assert.equal(await reason(world.pools.updateResourcePool({ requestId: "", pool: root, name: "x", config: undefined })), "NotSupported");
  const { fault } = await refusal(world.pools.updateResourcePool(UpdateResourcePoolRequest.fromPartial({ pool: (await world.pools.createResourcePool(CreateResourcePoolRequest.fromPartial({ name: "bronze" }))).ref ?? {}, name: "gold" })));
  assert.deepEqual(fault.fault, { $case: "duplicateName", value: { name: "gold", object: gold.ref } });
  const once = await world.pools.createResourcePool(CreateResourcePoolRequest.fromPartial({ name: "ns-a", namespace: "a" }));
  const twice = await world.pools.createResourcePool(CreateResourcePoolRequest.fromPartial({ name: "ns-a", namespace: "a" }));
  assert.deepEqual(once.ref, twice.ref);
  await world.pools.destroyResourcePool({ requestId: "", pool: once.ref });
  assert.equal(await reason(world.place("uid-2", { namespace: "a" })), "ManagedObjectNotFound");
});

test("bad hosts are refused with the field that is wrong", async () => {
  world = await World.start(1);
  assert.equal(await reason(world.addHost(2, { name: "ESXI" })), "InvalidArgument spec.name");
  assert.equal(await reason(world.addHost(2, { numCpuCores: 0 })), "InvalidArgument spec.num_cpu_cores");
  assert.equal(await reason(world.addHost(2, { memoryMb: -1 })), "InvalidArgument spec.memory_mb");
  assert.equal(await reason(world.inventory.addHost({ requestId: "", cluster: { type: "ClusterComputeResource", value: "domain-c99" }, spec: (await world.inventory.getInventory({})).hosts[0]?.spec, address: "a:1" })), "ManagedObjectNotFound");
  assert.equal(await reason(world.inventory.addHost({ requestId: "", cluster: world.cluster, spec: undefined, address: "a:1" })), "InvalidArgument spec");
});

test("lists come by pages of one snapshot", async () => {
  world = await World.start(3);
  const first = await world.inventory.listHosts({ pageSize: 2, pageToken: "" });
  await world.inventory.removeHost({ requestId: "", host: hostKey(3) });
  const second = await world.inventory.listHosts({ pageSize: 2, pageToken: first.nextPageToken });
  assert.deepEqual([...first.hosts, ...second.hosts].map((host) => host.spec?.name), [1, 2, 3].map(hostName));
  assert.equal(second.nextPageToken, "");
  assert.equal((await world.inventory.listHosts({ pageSize: 0, pageToken: "" })).hosts.length, 2);
  assert.equal(await reason(world.inventory.listHosts({ pageSize: 1001, pageToken: "" })), "InvalidArgument page_size");
  assert.equal(await reason(world.inventory.listHosts({ pageSize: 1, pageToken: "x" })), "InvalidArgument page_token");
  assert.equal(await reason(world.inventory.listHosts({ pageSize: 1, pageToken: "1-9.1" })), "InvalidCollectorVersion");
});

test("watches: enter, synced, change, leave; resumed where they ended; refused when that is gone", async () => {
  world = await World.start(1);
  const seen: InventoryUpdate[] = [];
  const watch = world.inventory.watchInventory({ resumeToken: "" });
  const reading = (async () => {
    for await (const update of watch) seen.push(update);
  })().catch(() => undefined);
  await eventually("synced", () => seen.some((update) => update.kind === UpdateKind.SYNCED));
  assert.deepEqual(seen.map((update) => update.object?.$case ?? "synced").toSorted(), ["cluster", "datacenter", "host", "resourcePool", "synced"]);
  await world.deploy("uid-1");
  const vm = await eventually("the VM is seen on", () => seen.find((update) => update.object?.$case === "virtualMachine" && update.object.value.powerState === VirtualMachinePowerState.POWERED_ON));
  await world.ended(await world.machines.destroyVm({ requestId: "", target: { $case: "ownerUid", value: "uid-1" }, powerOff: true, uuid: "" }));
  const gone = await eventually("the VM leaves", () => seen.find((update) => update.kind === UpdateKind.LEAVE));
  assert.equal(gone.object?.$case === "virtualMachine" ? gone.object.value.ref?.value : "", "vm-101");
  watch.cancel();
  await reading;

  const again: InventoryUpdate[] = [];
  for await (const update of world.inventory.watchInventory({ resumeToken: vm.resumeToken })) {
    again.push(update);
    if (update.kind === UpdateKind.SYNCED) break;
  }
  assert.ok(again.some((update) => update.kind === UpdateKind.LEAVE && update.object?.$case === "virtualMachine"));
  assert.ok(!again.some((update) => update.kind === UpdateKind.ENTER));
  const stale = async (resumeToken: string): Promise<string> =>
    reason(
      (async () => {
        for await (const update of world.inventory.watchInventory({ resumeToken })) return update;
        return undefined;
      })(),
    );
  assert.equal(await stale("7-1"), "InvalidCollectorVersion");
  assert.equal(await stale("x"), "InvalidArgument resume_token");

  const tasks: string[] = [];
  for await (const update of world.tasks.watchTasks({ resumeToken: "", skipEnded: true, state: [] })) {
    tasks.push(update.task?.task?.value ?? "synced");
    if (update.kind === UpdateKind.SYNCED) break;
  }
  assert.deepEqual(tasks, ["synced"]);
});

test("the records lie in etcd as proto3 JSON", async () => {
  const etcd = await startEtcd({ listen: "127.0.0.1:0", dataDir: new MemoryTable(), clock: monotonicClock(), log: silentLogger });
  const kv = new EtcdKeyValue({ endpoints: [etcd.address], tls: undefined, clock: monotonicClock() });
  const options = { etcdEndpoints: [etcd.address], keyValue: kv };
  try {
    world = await World.start(1, options);
    const task = await world.deploy("uid-1");
    const entries = new Map((await kv.list("/spheresim/vcenter/")).map(({ key: name, value }) => [name.slice("/spheresim/vcenter/".length), value]));
    assert.deepEqual(JSON.parse(entries.get("owners/uid-1") ?? ""), { vm: "vm-101", task: "task-1" });
    const vm = JSON.parse(entries.get("vms/vm-101") ?? "") as { hostName: string; powerState: string; config: { uuid: string } };
    assert.deepEqual([vm.config.uuid, vm.powerState], [task.vmUuid, "VIRTUAL_MACHINE_POWER_STATE_POWERED_ON"]);
    assert.equal(entries.get("epoch"), "1");
    await world.close();
  } finally {
    kv.close();
    await etcd.close();
  }
});

test("an ordinary VM asked for twice by one request id is made once, also across a restart; another body is refused", async () => {
  world = await World.start(1);
  const request = { requestId: "a/b %", config: VirtualMachineConfigSpec.fromPartial({ name: "db", numCpus: 1, memoryMb: 512 }), host: hostKey(1), pool: undefined, powerOn: true };
  const task = await world.ended(await world.machines.createVm(request));
  await world.stopVcenter();
  await world.startVcenter();
  await world.connected(1);
  const again = await world.machines.createVm(request);
  assert.deepEqual([again.task, again.result, again.state], [task.task, task.result, TaskState.SUCCESS]);
  assert.equal(await reason(world.machines.createVm({ ...request, powerOn: false })), "RequestIdReused request_id");
  assert.equal(world.esxi.vms.length, 1);
  await world.ended(await world.machines.destroyVm({ requestId: "", target: { $case: "vm", value: task.result ?? assert.fail() }, powerOff: true, uuid: "" }));
  assert.deepEqual(world.kv.keys("/spheresim/vcenter/creations/"), []);
});

test("a request that made a VM finds it after a restart, although its host takes no VM any more", async () => {
  world = await World.start(1);
  const request = { requestId: "once", config: VirtualMachineConfigSpec.fromPartial({ name: "db", numCpus: 1, memoryMb: 512 }), host: hostKey(1), pool: undefined, powerOn: false };
  const made = await world.ended(await world.machines.createVm(request));
  await world.stopVcenter();
  await world.startVcenter();
  await world.connected(1);
  await world.maintain(1);
  assert.deepEqual((await world.machines.createVm(request)).result, made.result);
  assert.equal(await reason(world.machines.createVm({ ...request, requestId: "twice" })), "InvalidState");
});

test("a watch of tasks tells each state, and goes on by its token where it ended", async () => {
  world = await World.start(1);
  await world.place("uid-1");
  const reached = deferred<void>();
  const answer = deferred<void>();
  world.esxi.before = (method) => {
    if (method !== "createVm") return undefined;
    reached.resolve();
    return answer.promise;
  };
  const task = await world.apply("uid-1");
  await reached.promise;
  const seen: TaskUpdate[] = [];
  for await (const update of world.tasks.watchTasks({ resumeToken: "", skipEnded: true, state: [] })) {
    seen.push(update);
    if (update.kind === UpdateKind.SYNCED) break;
  }
  assert.deepEqual(seen.map(({ kind, task: each }) => [kind, each?.task?.value, each?.state]), [[UpdateKind.ENTER, task.task?.value, TaskState.RUNNING], [UpdateKind.SYNCED, undefined, undefined]]);
  answer.resolve();
  await world.ended(task);
  const later: TaskUpdate[] = [];
  for await (const update of world.tasks.watchTasks({ resumeToken: seen.at(-1)?.resumeToken ?? "", skipEnded: true, state: [] })) {
    later.push(update);
    if (update.kind === UpdateKind.SYNCED) break;
  }
  assert.deepEqual(later.map(({ kind, task: each }) => [kind, each?.state]), [[UpdateKind.MODIFY, TaskState.SUCCESS], [UpdateKind.SYNCED, undefined]]);
});

test("a watch of tasks in some states is told of a task when it comes into one of them", async () => {
  world = await World.start(1);
  await world.place("uid-1");
  const seen: TaskUpdate[] = [];
  const synced = deferred<void>();
  const watching = (async () => {
    for await (const update of world.tasks.watchTasks({ resumeToken: "", skipEnded: false, state: [TaskState.SUCCESS, TaskState.ERROR] })) {
      // On a busy machine a bookmark may come between.
      if (update.kind !== UpdateKind.BOOKMARK) seen.push(update);
      synced.resolve();
      if (update.task !== undefined) return;
    }
  })();
  await synced.promise;
  const task = await world.apply("uid-1");
  await world.ended(task);
  await watching;
  assert.deepEqual(seen.map(({ kind, task: each }) => [kind, each?.task?.value, each?.state]), [[UpdateKind.SYNCED, undefined, undefined], [UpdateKind.MODIFY, task.task?.value, TaskState.SUCCESS]]);
  const unknown = async (): Promise<void> => {
    for await (const update of world.tasks.watchTasks({ resumeToken: "", skipEnded: false, state: [TaskState.SUCCESS, TaskState.UNSPECIFIED] })) assert.fail(String(update.kind));
  };
  assert.equal(await reason(unknown()), "InvalidArgument state[1]");
});

test("a host that moves to another address is watched there, and VMs go on being made on it", async () => {
  world = await World.start(1);
  await world.deploy("uid-1");
  await world.esxi.stop();
  world.esxi.moveAway();
  await world.esxi.start();
  const moved = await world.inventory.setHostConnection({ requestId: "", host: hostKey(1), connected: true, address: world.esxi.address });
  assert.equal(moved.address, world.esxi.address);
  await world.connected(1);
  assert.equal((await world.deploy("uid-2")).state, TaskState.SUCCESS);
  assert.equal(world.esxi.vms.length, 2);
});
