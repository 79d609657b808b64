import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { deferred } from "../../src/base/deferred.js";
import { RpcCode, RpcError } from "../../src/base/rpc-error.js";
import { Outcome } from "../../src/gen/spheresim/emulator/v1/journal.js";
import { VirtualMachinePowerState } from "../../src/gen/spheresim/vim/v1/virtual_machine.js";
import { PlacementServiceClient } from "../../src/gen/spheresim/vcenter/v1/placement_service.js";
import { openChannel } from "../../src/rpc/channel.js";
import { TaskState } from "../../src/gen/spheresim/vim/v1/task.js";
import { VerdictDetail } from "../../src/gen/spheresim/vcenter/v1/placement.js";
import { eventually, settled } from "../support/eventually.js";
import { insufficientMemory } from "../support/fake-esxi.js";
import { onHosts, podSpec, World } from "./world.js";

let world: World;
afterEach(() => world.close());

test("a pod VM is placed, created, powered on and destroyed: two Txns on the way there, one on the way back", async () => {
  world = await World.start(2);
  const before = world.vcenter.commits;
  const result = await world.place("uid-1");
  assert.equal(world.vcenter.commits, before, "placing writes nothing");
  const action = result.recommendations[0]?.actions[0];
  const task = await world.ended(await world.apply("uid-1", result.recommendations[0]?.key));
  assert.equal(world.vcenter.commits - before, 2);
  assert.equal(task.state, TaskState.SUCCESS);
  assert.equal(task.result?.value, "vm-101");
  assert.match(task.vmUuid, /^50[0-9a-f]{6}-/);
  assert.match(task.ephemeralDiskUuid, /^6000C29[0-9a-f](-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  assert.equal(task.host?.value, action?.targetHost?.value);

  const onHost = world.esxi.vms;
  assert.equal(onHost.length, 1);
  assert.equal(onHost[0]?.hostName, action?.targetHostName);
  assert.equal(onHost[0]?.config?.uuid, task.vmUuid);
  assert.equal(onHost[0]?.config?.ownerUid, "uid-1");
  const vm = await world.machines.getVm({ target: { $case: "ownerUid", value: "uid-1" } });
  assert.equal(vm.powerState, VirtualMachinePowerState.POWERED_ON);
  assert.deepEqual(world.kv.keys("/spheresim/vcenter/owners/"), ["/spheresim/vcenter/owners/uid-1"]);
  assert.deepEqual(world.kv.keys("/spheresim/vcenter/tasks/"), []);

  const destroyed = await world.ended(await world.machines.destroyVm({ requestId: "", target: { $case: "ownerUid", value: "uid-1" }, powerOff: true, uuid: task.vmUuid }));
  assert.equal(destroyed.state, TaskState.SUCCESS);
  assert.equal(world.vcenter.commits - before, 3);
  assert.equal(world.esxi.vms.length, 0);
  assert.deepEqual(world.kv.keys("/spheresim/vcenter/owners/"), []);
  assert.deepEqual(world.kv.keys("/spheresim/vcenter/vms/"), []);
  const { hosts } = await world.inventory.getInventory({});
  assert.deepEqual(hosts.map((host) => host.usage?.reservedMemoryMb), [0, 0]);

  assert.deepEqual(world.steps.map((step) => [step.step, step.room, step.outcome]), [4, 7, 104, 105].map((step) => [step, "vcenter", Outcome.OK]));
  assert.equal(world.steps[0]?.hostVerdicts.length, 2);
  assert.equal(world.steps[0]?.hostVerdicts[0]?.verdict?.$case, "chosen");
  assert.ok((world.steps[1]?.etcdRevision ?? 0n) > 0n);
});

test("applied twice, also at the same moment, an owner has one VM and one task", async () => {
  world = await World.start(1);
  const result = await world.place("uid-1");
  const key = result.recommendations[0]?.key ?? "";
  const tasks = await Promise.all([world.apply("uid-1", key), world.apply("uid-1", key), world.apply("uid-1")]);
  assert.equal(new Set(tasks.map((task) => task.task?.value)).size, 1);
  await world.ended(tasks[0]);
  assert.equal((await world.apply("uid-1", key)).task?.value, tasks[0].task?.value);
  assert.equal(world.esxi.count("createVm"), 1);
});

test("an owner record in etcd that this vCenter has not read keeps it from making a second VM", async () => {
  world = await World.start(1);
  world.kv.map.set("/spheresim/vcenter/owners/uid-1", JSON.stringify({ vm: "vm-7", task: "task-8" }));
  const { recommendations } = await world.place("uid-1");
  const refused = await world.apply("uid-1", recommendations[0]?.key).catch((error: unknown) => error);
  assert.ok(refused instanceof RpcError);
  assert.deepEqual([refused.code, refused.reason?.reason], [RpcCode.FAILED_PRECONDITION, "InvalidState"]);
  assert.match(refused.message, /The owner "uid-1" has a virtual machine on record that this vCenter has not read\./);
  assert.equal(world.esxi.count("createVm"), 0);
  assert.deepEqual(world.kv.keys("/spheresim/vcenter/vms/"), []);
  assert.deepEqual(world.kv.keys("/spheresim/vcenter/tasks/"), []);
  const { hosts, virtualMachines } = await world.inventory.getInventory({});
  assert.deepEqual([virtualMachines, hosts[0]?.usage?.reservedMemoryMb], [[], 0]);
});

test("an owner that has a VM gets its host back, whatever the list says", async () => {
  world = await World.start(2);
  await world.deploy("uid-1", { hosts: onHosts(2) });
  const again = await world.place("uid-1", { hosts: onHosts(1) });
  assert.equal(again.recommendations[0]?.actions[0]?.targetHostName, "esxi-02.spheresim.test");
  assert.equal(again.recommendations[0]?.actions[0]?.vm?.value, "vm-101");
});

test("what vCenter wrote before it ended is taken up by the next one, on the same VM", async () => {
  world = await World.start(1);
  await world.place("uid-1");
  const reached = deferred<void>();
  const lost = deferred<void>();
  // The first vCenter gets as far as HostD and hears no answer of etcd until another one is there.
  world.kv.before = (txn) => {
    if (!txn.deletes.some((key) => key.includes("/tasks/"))) return undefined;
    reached.resolve();
    return lost.promise;
  };
  const task = await world.apply("uid-1");
  await reached.promise;
  assert.deepEqual(world.kv.keys("/spheresim/vcenter/tasks/"), [`/spheresim/vcenter/tasks/${task.task?.value}`]);
  world.kv.before = undefined;

  await world.startVcenter();
  const ended = await world.ended(task);
  assert.equal(ended.state, TaskState.SUCCESS);
  assert.equal(ended.vmUuid, task.vmUuid);
  assert.equal(world.esxi.vms.length, 1);
  assert.deepEqual(world.kv.keys("/spheresim/vcenter/tasks/"), []);
  const { hosts } = await world.inventory.getInventory({});
  assert.ok((hosts[0]?.usage?.reservedMemoryMb ?? 0) > 1024);

  // After yet another start the task of the VM is still known.
  await world.stopVcenter();
  await world.startVcenter();
  const known = await world.apply("uid-1");
  assert.equal(known.task?.value, task.task?.value);
  assert.equal(known.state, TaskState.SUCCESS);
  assert.equal(known.ephemeralDiskUuid, task.ephemeralDiskUuid);
  lost.reject(RpcError.unavailable("the connection broke"));
});

test("a second vCenter takes over: the first one's next write fails, and it stops with StaleWriter", async () => {
  world = await World.start(1);
  const first = world.vcenter;
  const firstPlacement = world.placement;
  await firstPlacement.placeVm({ requestId: "", spec: podSpec("uid-1"), holdFor: undefined, verdictDetail: VerdictDetail.NONE });
  await world.startVcenter();
  const writes = world.kv.txns.length;
  const refused = await applyAt(first.address);
  assert.ok(refused instanceof RpcError);
  assert.equal(refused.reason?.reason, "StaleWriter");
  assert.match((await first.ended).message, /epoch 2 has taken over from epoch 1/);
  assert.equal(world.kv.txns.length, writes);
});

test("a vCenter that was paused while another took over destroys nothing of the other's, and stops", async () => {
  world = await World.start(1);
  const paused = world.vcenter;
  await world.startVcenter();
  await world.connected(1);
  assert.equal((await world.deploy("uid-1")).state, TaskState.SUCCESS);
  // The paused one hears of a VM it has no record of.
  assert.match((await paused.ended).message, /epoch 2 has taken over from epoch 1/);
  assert.equal(world.esxi.count("destroyVm"), 0);
  assert.equal(world.esxi.vms.length, 1);
});

async function applyAt(address: string): Promise<unknown> {
  const channel = openChannel({ address });
  try {
    return await channel.client(PlacementServiceClient).applyRecommendation({ requestId: "", key: "", ownerUid: "uid-1", spec: undefined });
  } catch (error) {
    return error;
  } finally {
    channel.close();
  }
}

test("a HostD out of reach ends the task with HostNotReachable; a VM that shows up without a record is destroyed", async () => {
  world = await World.start(1);
  await world.place("uid-1");
  world.esxi.before = (method) => {
    if (method === "createVm") throw RpcError.unavailable("gone");
  };
  const task = await world.ended(await world.apply("uid-1"));
  assert.equal(task.state, TaskState.ERROR);
  assert.equal(task.error?.fault?.$case, "hostNotReachable");
  assert.deepEqual(world.kv.keys("/spheresim/vcenter/owners/"), []);
  assert.deepEqual(world.kv.keys("/spheresim/vcenter/vms/"), []);
  assert.deepEqual(world.kv.keys("/spheresim/vcenter/tasks/"), []);
  assert.equal((await world.inventory.getInventory({})).hosts[0]?.usage?.reservedMemoryMb, 0);
  assert.equal(world.steps.find((step) => step.step === 7)?.outcome, Outcome.FAILED);

  const config = { ...(podSpec("uid-1").config ?? assert.fail()), instanceUuid: "52000000-aaaa", uuid: "50000000-aaaa", ownerUid: "uid-1" };
  world.esxi.plant("esxi-01.spheresim.test", config);
  await eventually("the VM without a record is destroyed", () => world.esxi.vms.length === 0);
});

test("host admission ends the task with the host's fault and leaves nothing behind", async () => {
  world = await World.start(1);
  await world.place("uid-1");
  world.esxi.before = (method) => {
    if (method === "createVm") throw insufficientMemory(1, 2);
  };
  const task = await world.ended(await world.apply("uid-1"));
  assert.equal(task.error?.fault?.$case, "insufficientHostMemoryCapacityFault");
  assert.deepEqual(world.kv.keys("/spheresim/vcenter/vms/"), []);
  world.esxi.before = undefined;
  assert.equal((await world.deploy("uid-1")).state, TaskState.SUCCESS);
});

test("a host that reboots is not responding, then has its VMs powered on again", async () => {
  world = await World.start(1);
  await world.deploy("uid-1");
  await world.esxi.stop();
  await eventually("the host does not respond", async () => (await world.place("uid-2")).drsFault !== undefined);
  const refused = await world.place("uid-2");
  assert.equal(refused.drsFault?.fault?.fault?.$case, "noCompatibleHost");
  assert.equal(refused.verdicts[0]?.verdict?.$case === "fault" ? refused.verdicts[0].verdict.value.fault?.$case : "", "hostNotReachable");
  world.esxi.loseGuests();
  await world.esxi.start();
  await world.connected(1);
  await eventually("the VM runs again", () => world.esxi.vms[0]?.powerState === VirtualMachinePowerState.POWERED_ON);
  await eventually("vCenter sees it", async () => (await world.machines.getVm({ target: { $case: "ownerUid", value: "uid-1" } })).powerState === VirtualMachinePowerState.POWERED_ON);
  assert.equal(world.esxi.count("createVm"), 1);
});

test("a host of twenty VMs reboots: all are powered on at once, and Node.js suspects no leak of listeners", async () => {
  const warned: string[] = [];
  const hear = ({ name, message }: Error): void => void (name === "MaxListenersExceededWarning" && warned.push(message));
  process.on("warning", hear);
  try {
    world = await World.start(1);
    for (let n = 1; n <= 20; n += 1) await world.deploy(`many-${n}`, { config: podSpec(`many-${n}`, {}, 64).config });
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    world.esxi.before = (method) => (method === "powerOnVm" ? held : undefined);
    await world.esxi.stop();
    world.esxi.loseGuests();
    await world.esxi.start();
    await eventually("all are under way", () => world.esxi.count("powerOnVm") === 20);
    release();
    await eventually("all run again", () => world.esxi.vms.every(({ powerState }) => powerState === VirtualMachinePowerState.POWERED_ON));
    assert.deepEqual(warned, []);
  } finally {
    process.off("warning", hear);
  }
});

test("a host that reboots while etcd keeps the VM's task waiting has the VM powered on again all the same", async () => {
  world = await World.start(1);
  const answered = deferred<void>();
  world.kv.before = (txn) => (txn.deletes.some((key) => key.includes("/tasks/")) ? answered.promise : undefined);
  const { recommendations } = await world.place("uid-1");
  const task = await world.apply("uid-1", recommendations[0]?.key);
  await eventually("the VM runs", () => world.esxi.vms[0]?.powerState === VirtualMachinePowerState.POWERED_ON);
  await world.esxi.stop();
  await eventually("the host does not respond", async () => (await world.place("uid-2")).drsFault !== undefined);
  world.esxi.loseGuests();
  await world.esxi.start();
  await world.connected(1);
  answered.resolve();
  assert.equal((await world.ended(task)).state, TaskState.SUCCESS);
  await eventually("the VM runs again", () => world.esxi.vms[0]?.powerState === VirtualMachinePowerState.POWERED_ON);
  await eventually("vCenter sees it", async () => (await world.machines.getVm({ target: { $case: "ownerUid", value: "uid-1" } })).powerState === VirtualMachinePowerState.POWERED_ON);
});

test("VMs of hosts that vCenter does not have are left alone", async () => {
  world = await World.start(1);
  world.esxi.addHost("stranger.spheresim.test", 1000, 1000);
  world.esxi.plant("stranger.spheresim.test", { ...(podSpec("x").config ?? assert.fail()), instanceUuid: "52-stranger" });
  await world.esxi.stop();
  await world.esxi.start();
  await world.connected(1);
  await settled();
  assert.equal(world.esxi.vms.length, 1);
});

test("a destroy finds no VM on the host: it is gone, and so are its records", async () => {
  world = await World.start(1);
  const task = await world.deploy("uid-1");
  world.esxi.hosts.get("esxi-01.spheresim.test")?.vms.clear();
  const destroyed = await world.ended(await world.machines.destroyVm({ requestId: "", target: { $case: "vm", value: task.result ?? assert.fail() }, powerOff: true, uuid: "" }));
  assert.equal(destroyed.state, TaskState.SUCCESS);
  assert.deepEqual(world.kv.keys("/spheresim/vcenter/vms/"), []);
});

test("a create task can be cancelled while HostD keeps it waiting; its VM is destroyed when it shows", async () => {
  world = await World.start(1);
  await world.place("uid-1");
  let release: () => void = () => undefined;
  world.esxi.before = (method) => (method === "createVm" ? new Promise<void>((resolve) => (release = resolve)) : undefined);
  const task = await world.apply("uid-1");
  assert.equal(task.cancelable, true);
  await eventually("HostD is asked", () => world.esxi.count("createVm") === 1);
  await world.tasks.cancelTask({ requestId: "", task: task.task });
  const ended = await world.ended(task);
  assert.equal(ended.cancelled, true);
  assert.equal(ended.error?.fault?.$case, "requestCanceled");
  release();
  await eventually("the VM came and went", () => world.esxi.count("destroyVm") === 1 && world.esxi.vms.length === 0);
});

test("a lost answer of etcd is asked for again, and the VM exists once", async () => {
  world = await World.start(1);
  await world.place("uid-1");
  world.kv.loseAnswers = 1;
  const task = await world.ended(await world.apply("uid-1"));
  assert.equal(task.state, TaskState.SUCCESS);
  assert.equal(world.esxi.vms.length, 1);
});
