import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";
import { deferred } from "../../src/base/deferred.js";
import { RpcCode, RpcError } from "../../src/base/rpc-error.js";
import { PlacementSpec, VerdictDetail } from "../../src/gen/spheresim/vcenter/v1/placement.js";
import { HostSpec } from "../../src/gen/spheresim/vcenter/v1/inventory.js";
import { CreateVmRequest, ReconfigureVmRequest } from "../../src/gen/spheresim/vcenter/v1/virtual_machine.js";
import type { ManagedObjectReference } from "../../src/gen/spheresim/vim/v1/managed_object.js";
import { type TaskInfo, TaskState } from "../../src/gen/spheresim/vim/v1/task.js";
import { VirtualMachineConfigSpec } from "../../src/gen/spheresim/vim/v1/virtual_machine.js";
import { refusal } from "./refusal.js";
import { HOST, hostName, podSpec, World } from "./world.js";

let world: World;
afterEach(() => world.close());

function create(name: string, change: Partial<CreateVmRequest> = {}): Promise<TaskInfo> {
  return world.machines.createVm({ ...CreateVmRequest.create(), config: VirtualMachineConfigSpec.fromPartial({ name, numCpus: 1, memoryMb: 128 }), ...change });
}

async function made(name: string): Promise<ManagedObjectReference> {
  return (await world.ended(await create(name))).result ?? assert.fail(`${name} was not made`);
}

function rename(vm: ManagedObjectReference, name: string): Promise<TaskInfo> {
  return world.machines.reconfigureVm({ ...ReconfigureVmRequest.create(), vm, name });
}

async function everything(): Promise<string> {
  const inventory = await world.inventory.getInventory({});
  const { tasks } = await world.tasks.listTasks({ pageSize: 1000, pageToken: "" });
  const records = world.kv.keys("/").filter((key) => !key.endsWith("/counters")).map((key) => [key, world.kv.map.get(key)]);
  return JSON.stringify([inventory, tasks, records], (_key, value: unknown) => (typeof value === "bigint" ? String(value) : value));
}

/** The call is DuplicateName of this name and VM, and changes nothing. */
async function isTaken(call: () => Promise<unknown>, name: string, object: ManagedObjectReference | undefined): Promise<void> {
  const before = await everything();
  const { code, reason, fault } = await refusal(call());
  assert.deepEqual([code, reason, fault.fault], [RpcCode.ALREADY_EXISTS, "DuplicateName", { $case: "duplicateName", value: { name, object } }]);
  assert.equal(await everything(), before);
}

describe("the name of an ordinary VM", () => {
  test("is there once: a second VM, and one that is renamed, are DuplicateName with the name and who has it; free again once that is destroyed", async () => {
    world = await World.start(2);
    const one = await made("one");
    const two = await made("two");
    await isTaken(() => create("one"), "one", one);
    await isTaken(() => create("one", { powerOn: true, requestId: "mine" }), "one", one);
    await isTaken(() => rename(two, "one"), "one", one);
    assert.equal((await world.ended(await rename(one, "one"))).state, TaskState.SUCCESS, "its own name is no other's");
    await world.ended(await world.machines.destroyVm({ requestId: "", target: { $case: "vm", value: one }, powerOff: false, uuid: "" }));
    assert.equal((await world.ended(await rename(two, "one"))).state, TaskState.SUCCESS);
    await isTaken(() => create("one"), "one", two);
    await made("two");
  });

  test("is taken from the first moment: of many at once one is made, and one that its host refuses gives the name back", async () => {
    world = await World.start(1);
    const calls = Array.from({ length: 8 }, () => create("once"));
    const answers = await Promise.allSettled(calls);
    assert.equal(answers.filter(({ status }) => status === "fulfilled").length, 1);
    for (const call of calls.filter((_call, index) => answers[index]?.status === "rejected")) assert.equal((await refusal(call)).reason, "DuplicateName");
    world.esxi.before = (method) => {
      if (method === "createVm") throw RpcError.unavailable("gone");
    };
    assert.equal((await world.ended(await create("unmade"))).state, TaskState.ERROR);
    world.esxi.before = undefined;
    await made("unmade");
  });

  test("is taken by one that is placed and applied, too, and cannot be had by that way a second time", async () => {
    world = await World.start(1);
    const place = async (name: string): Promise<string> => {
      const config = VirtualMachineConfigSpec.fromPartial({ name, guestId: "otherGuest64", numCpus: 1, memoryMb: 128 });
      const { recommendations } = await world.placement.placeVm({ requestId: "", spec: { ...PlacementSpec.create(), config }, holdFor: undefined, verdictDetail: VerdictDetail.NONE });
      return recommendations[0]?.key ?? assert.fail(`no host for ${name}`);
    };
    const vm = (await world.ended(await world.apply("", await place("placed")))).result;
    const second = await place("placed");
    await isTaken(() => world.apply("", second), "placed", vm);
    await isTaken(() => create("placed"), "placed", vm);
  });

  test("belongs to a VM before and after, while that is renamed", async () => {
    world = await World.start(1);
    const vm = await made("before");
    const go = deferred<void>();
    world.esxi.before = (method) => (method === "reconfigureVm" ? go.promise : undefined);
    const renaming = await rename(vm, "after");
    await isTaken(() => create("before"), "before", vm);
    await isTaken(() => create("after"), "after", vm);
    go.resolve();
    await world.ended(renaming);
    await made("before");
    await isTaken(() => create("after"), "after", vm);
  });

  test("is known after a restart, and the request that made the VM finds it still", async () => {
    world = await World.start(1);
    const first = await create("kept", { requestId: "once" });
    const vm = (await world.ended(first)).result;
    await world.stopVcenter();
    await world.startVcenter();
    await world.connected(1);
    await isTaken(() => create("kept"), "kept", vm);
    assert.equal((await create("kept", { requestId: "once" })).task?.value, first.task?.value);
  });

  test("may be a pod's too, of which there may be two; and that of a VM in another datacenter", async () => {
    world = await World.start(1);
    const pod = (uid: string) => world.deploy(uid, { config: { ...(podSpec(uid).config ?? assert.fail()), name: "web" } });
    assert.deepEqual([(await pod("uid-1")).state, (await pod("uid-2")).state], [TaskState.SUCCESS, TaskState.SUCCESS]);
    const vm = await made("web");
    await pod("uid-3");
    const datacenter = await world.inventory.createDatacenter({ requestId: "", name: "dc-02" });
    const cluster = await world.inventory.createCluster({ requestId: "", datacenter: datacenter.ref, name: "far" });
    world.esxi.addHost(hostName(2), HOST.cores * HOST.coreMhz, HOST.memoryMb);
    const spec = HostSpec.fromPartial({ name: hostName(2), numCpuCores: HOST.cores, cpuMhz: HOST.coreMhz, memoryMb: HOST.memoryMb });
    await world.inventory.addHost({ requestId: "", cluster: cluster.ref, spec, address: world.esxi.address });
    await world.connected(2);
    const far = (await world.ended(await create("web", { pool: cluster.rootPool }))).result;
    await isTaken(() => create("web", { pool: cluster.rootPool }), "web", far);
    const { clusters } = await world.inventory.getInventory({});
    await isTaken(() => create("web", { pool: clusters.find(({ name }) => name === "supervisor-01")?.rootPool }), "web", vm);
  });
});
