import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { deferred } from "../../src/base/deferred.js";
import { RpcCode } from "../../src/base/rpc-error.js";
import type { HostUsage } from "../../src/gen/spheresim/vcenter/v1/inventory.js";
import { type TaskInfo, TaskState } from "../../src/gen/spheresim/vim/v1/task.js";
import { type ActivityProfile, VirtualMachineConfigSpec } from "../../src/gen/spheresim/vim/v1/virtual_machine.js";
import { refusal } from "./refusal.js";
import { HOST, hostKey, hostName, World } from "./world.js";

let world: World;
afterEach(() => world.close());

function constant(cpuMhz: number, memoryMb: number): ActivityProfile {
  return { profile: { $case: "constant", value: { cpuMhz, memoryMb } }, startTime: undefined };
}

/** Asks for an ordinary VM of 2 vCPUs and 4096 MB that runs on a host. */
function create(name: string, activity: ActivityProfile | undefined, host = 1): Promise<TaskInfo> {
  const config = VirtualMachineConfigSpec.fromPartial({ name, numCpus: 2, memoryMb: 4096 });
  return world.machines.createVm({ requestId: "", config: { ...config, activity }, host: hostKey(host), pool: undefined, powerOn: true });
}

async function usage(host: number): Promise<HostUsage | undefined> {
  return (await world.inventory.getInventory({})).hosts[host - 1]?.usage;
}

test("a host's use is settable: the choice goes to the other host when an ordinary VM turns busy, and back when it is idle again", async () => {
  world = await World.start(2);
  const busy = [await world.ended(await create("a", undefined, 1)), await world.ended(await create("b", undefined, 2))];
  const chosen = async (uid: string): Promise<string | undefined> => {
    const name = (await world.place(uid)).recommendations[0]?.actions[0]?.targetHostName;
    await world.placement.cancelRecommendation({ requestId: "", key: "", ownerUid: uid });
    return name;
  };
  await world.machines.setActivity({ requestId: "", vm: busy[0]?.result, activity: constant(4000, 4096) });
  assert.equal(await chosen("uid-1"), hostName(2));
  await world.machines.setActivity({ requestId: "", vm: busy[0]?.result, activity: undefined });
  await world.machines.setActivity({ requestId: "", vm: busy[1]?.result, activity: constant(4000, 4096) });
  assert.equal(await chosen("uid-2"), hostName(1));
  assert.deepEqual([(await usage(1))?.activeMemoryMb, (await usage(2))?.activeMemoryMb], [0, 4096]);
});

test("an activity no VM can have is refused by its field, when it is created and when it is set", async () => {
  world = await World.start(1);
  const { result: vm } = await world.ended(await create("vm", constant(100, 100)));
  const cases: readonly [ActivityProfile, string][] = [
    [constant(-1, 0), "constant.cpu_mhz"],
    [constant(0, -1), "constant.memory_mb"],
    [constant(0, 4097), "constant.memory_mb"],
    [{ profile: undefined, startTime: undefined }, "profile"],
  ];
  for (const [activity, field] of cases) {
    const created = await refusal(create("bad", activity));
    assert.deepEqual([created.code, created.fields], [RpcCode.INVALID_ARGUMENT, [`config.activity.${field}`]]);
    const set = await refusal(world.machines.setActivity({ requestId: "", vm, activity }));
    assert.deepEqual([set.code, set.fields], [RpcCode.INVALID_ARGUMENT, [`activity.${field}`]]);
  }
  assert.deepEqual([(await usage(1))?.activeCpuMhz, (await usage(1))?.activeMemoryMb], [100, 100]);
});

test("no VM uses more CPU than its vCPUs have, and the inventory stays readable however much VMs ask for", async () => {
  world = await World.start(1);
  await world.ended(await create("one", constant(2_147_483_647, 4096)));
  assert.deepEqual([(await usage(1))?.activeCpuMhz, (await usage(1))?.activeMemoryMb], [2 * HOST.coreMhz, 4096]);
  // Five VMs of a quarter of the host each: they contend.
  for (const name of ["two", "three", "four", "five"]) await world.ended(await create(name, constant(2_147_483_647, 4096)));
  assert.deepEqual([(await usage(1))?.activeCpuMhz, (await usage(1))?.activeMemoryMb], [5 * 2 * HOST.coreMhz, 5 * 4096]);
});

test("use that sums to more than an int32 is told as the largest one", async () => {
  world = await World.start(1);
  const memoryMb = 1_073_741_824;
  world.esxi.addHost(hostName(2), 2000, memoryMb + 33_554_432);
  await world.addHost(2, { numCpuCores: 1, memoryMb: memoryMb + 33_554_432 });
  await world.connected(2);
  for (const name of ["one", "two", "three"]) {
    const config = VirtualMachineConfigSpec.fromPartial({ name, numCpus: 1, memoryMb, activity: constant(0, memoryMb) });
    const task = await world.ended(await world.machines.createVm({ requestId: "", config, host: hostKey(2), pool: undefined, powerOn: true }));
    assert.equal(task.state, TaskState.SUCCESS);
  }
  assert.equal((await usage(2))?.activeMemoryMb, 2_147_483_647);
});

test("an activity set while the VM is being destroyed is TaskInProgress and does not bring its record back", async () => {
  world = await World.start(1);
  const { result: vm } = await world.ended(await create("vm", undefined));
  const stored = deferred<void>();
  const reached = deferred<void>();
  world.kv.before = (txn) => {
    if (!txn.puts.some(({ value }) => value.includes('"activity"'))) return undefined;
    reached.resolve();
    return stored.promise;
  };
  const setting = world.machines.setActivity({ requestId: "", vm, activity: constant(1, 1) });
  const destroy = (): Promise<TaskInfo> => world.machines.destroyVm({ requestId: "", target: { $case: "vm", value: vm ?? assert.fail() }, powerOff: true, uuid: "" });
  await reached.promise;
  assert.equal((await refusal(destroy())).reason, "TaskInProgress");
  stored.resolve();
  assert.deepEqual((await setting).activity?.profile, constant(1, 1).profile);
  world.kv.before = undefined;
  const ending = await destroy();
  await world.ended(ending);
  assert.deepEqual(world.kv.keys("/spheresim/vcenter/vms/"), []);
});

test("an activity survives a restart", async () => {
  world = await World.start(1);
  const { result: vm } = await world.ended(await create("vm", undefined));
  await world.machines.setActivity({ requestId: "", vm, activity: constant(700, 300) });
  await world.stopVcenter();
  await world.startVcenter();
  await world.connected(1);
  assert.deepEqual([(await usage(1))?.activeCpuMhz, (await usage(1))?.activeMemoryMb], [700, 300]);
});
