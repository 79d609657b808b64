import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { deferred } from "../../src/base/deferred.js";
import { RpcCode, RpcError } from "../../src/base/rpc-error.js";
import type { ManagedObjectReference } from "../../src/gen/spheresim/vim/v1/managed_object.js";
import { ResourceAllocationInfo, ScaleSharesBehavior, SharesLevel } from "../../src/gen/spheresim/vim/v1/resource.js";
import { TaskState, type TaskInfo } from "../../src/gen/spheresim/vim/v1/task.js";
import { VirtualMachineConfigSpec } from "../../src/gen/spheresim/vim/v1/virtual_machine.js";
import { eventually } from "../support/eventually.js";
import { refusal } from "./refusal.js";
import { HOST, hostKey, World } from "./world.js";

let world: World;
afterEach(() => world.close());

/** An ordinary VM of 2 vCPUs and 1024 MB on host 1. */
async function create(name: string, powerOn: boolean, pool?: ManagedObjectReference): Promise<ManagedObjectReference> {
  const config = VirtualMachineConfigSpec.fromPartial({ name, numCpus: 2, memoryMb: 1024, cpuAllocation: { reservation: 500 }, memoryAllocation: { reservation: 256, limit: 1024 } });
  const task = await world.ended(await world.machines.createVm({ requestId: "", config, host: hostKey(1), pool, powerOn }));
  assert.equal(task.state, TaskState.SUCCESS);
  return task.result ?? assert.fail("no VM");
}

interface Change {
  readonly name?: string;
  readonly numCpus?: number;
  readonly memoryMb?: number;
  readonly cpuAllocation?: Partial<ResourceAllocationInfo>;
  readonly memoryAllocation?: Partial<ResourceAllocationInfo>;
}

function change(vm: ManagedObjectReference, { name, numCpus, memoryMb, cpuAllocation, memoryAllocation }: Change): Promise<TaskInfo> {
  const allocation = (info: Partial<ResourceAllocationInfo> | undefined): ResourceAllocationInfo | undefined => (info === undefined ? undefined : { ...ResourceAllocationInfo.create(), ...info });
  return world.machines.reconfigureVm({ requestId: "", vm, name, numCpus, memoryMb, cpuAllocation: allocation(cpuAllocation), memoryAllocation: allocation(memoryAllocation) });
}

async function config(vm: ManagedObjectReference): Promise<VirtualMachineConfigSpec> {
  return (await world.machines.getVm({ target: { $case: "vm", value: vm } })).config ?? assert.fail();
}

async function reserved(): Promise<readonly (number | undefined)[]> {
  const { usage } = (await world.inventory.getInventory({})).hosts[0] ?? assert.fail();
  return [usage?.reservedCpuMhz, usage?.reservedMemoryMb];
}

test("a powered-off VM gets another size: overhead and shares of its level follow; what is absent stays", async () => {
  world = await World.start(1);
  const vm = await create("vm", false);
  assert.equal((await world.ended(await change(vm, { name: "bigger", numCpus: 4, memoryMb: 4096 }))).state, TaskState.SUCCESS);
  const after = await config(vm);
  assert.deepEqual([after.name, after.numCpus, after.memoryMb, after.overheadMemoryMb], ["bigger", 4, 4096, 61]);
  assert.deepEqual(after.cpuAllocation, ResourceAllocationInfo.fromPartial({ reservation: 500, expandableReservation: false, limit: -1, shares: { level: SharesLevel.NORMAL, shares: 4000 } }));
  assert.deepEqual(after.memoryAllocation, ResourceAllocationInfo.fromPartial({ reservation: 256, expandableReservation: false, limit: 1024, shares: { level: SharesLevel.NORMAL, shares: 40_960 } }));
  assert.deepEqual(world.esxi.vms[0]?.config, after, "its host knows");
  await world.ended(await change(vm, { cpuAllocation: { shares: { level: SharesLevel.CUSTOM, shares: 77 } } }));
  await world.ended(await change(vm, { numCpus: 1 }));
  assert.deepEqual((await config(vm)).cpuAllocation?.shares, { level: SharesLevel.CUSTOM, shares: 77 });
});

test("a running VM that reserves more is admitted up the pool tree and on its host; less is given back", async () => {
  world = await World.start(1);
  const cpuAllocation = ResourceAllocationInfo.fromPartial({ reservation: 2000, expandableReservation: false });
  const pool = await world.pools.createResourcePool({ requestId: "", parent: undefined, name: "fixed", namespace: "", config: { cpuAllocation, memoryAllocation: undefined, scaleDescendantsShares: ScaleSharesBehavior.UNSPECIFIED } });
  const below = await world.pools.createResourcePool({ requestId: "", parent: pool.ref, name: "below", namespace: "", config: undefined });
  const vm = await create("vm", true, below.ref);
  const [, memoryMb = 0] = await reserved();
  assert.equal((await world.ended(await change(vm, { cpuAllocation: { reservation: 2000 } }))).state, TaskState.SUCCESS);
  assert.deepEqual(await reserved(), [2000, memoryMb]);
  const tooMuch = await refusal(change(vm, { cpuAllocation: { reservation: 2001 } }));
  assert.equal(tooMuch.reason, "InsufficientCpuResourcesFault");
  assert.deepEqual(tooMuch.fault.fault?.value, { unreserved: 0, requested: 1, host: undefined });
  await world.ended(await change(vm, { cpuAllocation: { reservation: 100 } }));
  assert.deepEqual(await reserved(), [100, memoryMb]);
  // The root pool has it only as long as no other host counts: here the host itself is what is short.
  const big = await create("big", false);
  await world.ended(await change(big, { numCpus: 8, cpuAllocation: { reservation: 12_000 } }));
  await world.ended(await world.machines.powerOnVm({ requestId: "", vm: big }));
  await world.addHost(2);
  world.esxi.addHost("esxi-02.spheresim.test", HOST.cores * HOST.coreMhz, HOST.memoryMb);
  await world.connected(2);
  const onHost = await refusal(change(big, { cpuAllocation: { reservation: 16_000 } }));
  assert.equal(onHost.reason, "InsufficientHostCpuCapacityFault");
  assert.ok(onHost.fault.fault?.$case === "insufficientHostCpuCapacityFault");
  assert.deepEqual([onHost.fault.fault.value.requested, onHost.fault.fault.value.unreserved], [4000, 3900]);
});

test("what no VM can be is refused by its field, and nothing changes", async () => {
  world = await World.start(1);
  const vm = await create("vm", false);
  const before = JSON.stringify([...world.kv.map]);
  const cases: readonly [Change, string][] = [
    [{ name: "" }, "name"],
    [{ numCpus: 0 }, "num_cpus"],
    [{ numCpus: -1 }, "num_cpus"],
    [{ memoryMb: 0 }, "memory_mb"],
    [{ memoryMb: 1022 }, "memory_mb"],
    [{ memoryMb: 128 }, "memory_allocation.reservation"],
    [{ cpuAllocation: { reservation: -1 } }, "cpu_allocation.reservation"],
    [{ cpuAllocation: { limit: -2 } }, "cpu_allocation.limit"],
    [{ cpuAllocation: { limit: 499 } }, "cpu_allocation.reservation"],
    [{ cpuAllocation: { shares: { level: SharesLevel.CUSTOM, shares: -1 } } }, "cpu_allocation.shares.shares"],
    [{ cpuAllocation: { reservation: 2 * HOST.coreMhz + 1 } }, "cpu_allocation.reservation"],
    [{ numCpus: 1, cpuAllocation: { reservation: HOST.coreMhz + 1 } }, "cpu_allocation.reservation"],
    [{ memoryAllocation: { reservation: 1025, limit: -1 } }, "memory_allocation.reservation"],
    [{ memoryAllocation: { reservation: 300, limit: 299 } }, "memory_allocation.reservation"],
    [{ memoryAllocation: { shares: { level: SharesLevel.CUSTOM, shares: -5 } } }, "memory_allocation.shares.shares"],
  ];
  for (const [what, field] of cases) {
    const error = await refusal(change(vm, what));
    assert.deepEqual([error.code, error.reason, error.fields], [RpcCode.INVALID_ARGUMENT, "InvalidArgument", [field]], JSON.stringify(what));
    assert.ok(error.fault.fault?.$case === "invalidArgument" && error.fault.fault.value.invalidProperty === field);
  }
  assert.equal(JSON.stringify([...world.kv.map]), before);
  assert.equal(world.esxi.count("reconfigureVm"), 0);
  const creating = VirtualMachineConfigSpec.fromPartial({ name: "x", numCpus: 1, memoryMb: 64, cpuAllocation: { reservation: HOST.coreMhz + 1 } });
  assert.deepEqual((await refusal(world.machines.createVm({ requestId: "", config: creating, host: hostKey(1), pool: undefined, powerOn: false }))).fields, ["config.cpu_allocation.reservation"]);
});

test("while its host has not answered, before and after are both claimed; a host out of reach ends it, and is told the record's settings at reconnect", async () => {
  world = await World.start(1);
  const vm = await create("vm", true);
  const [, memoryMb = 0] = await reserved();
  const go = deferred<void>();
  world.esxi.before = (method) => (method === "reconfigureVm" ? go.promise : undefined);
  const growing = await change(vm, { cpuAllocation: { reservation: 900 } });
  assert.deepEqual(await reserved(), [900, memoryMb]);
  assert.equal((await config(vm)).cpuAllocation?.reservation, 500);
  go.resolve();
  await world.ended(growing);
  // The host does it, and its answer is lost.
  const known = world.esxi.vms[0] ?? assert.fail();
  world.esxi.before = (method, _host, uuid) => {
    if (method !== "reconfigureVm") return;
    const there = world.esxi.hosts.get(known.hostName)?.vms;
    const now = there?.get(uuid) ?? assert.fail();
    there?.set(uuid, { ...now, config: { ...(now.config ?? assert.fail()), name: "half-way" } });
    throw RpcError.unavailable("no answer");
  };
  const lost = await world.ended(await change(vm, { name: "renamed", cpuAllocation: { reservation: 100 } }));
  assert.equal(lost.error?.fault?.$case, "hostNotReachable");
  assert.deepEqual([(await config(vm)).name, await reserved()], ["vm", [900, memoryMb]]);
  world.esxi.before = undefined;
  await world.esxi.stop();
  await world.esxi.start();
  await world.connected(1);
  await eventually("its host has the record's settings", () => world.esxi.vms[0]?.config?.name === "vm");
});

test("a smaller VM uses no more than it has, and is still told what it was told", async () => {
  world = await World.start(1);
  const vm = await create("vm", false);
  await world.machines.setActivity({ requestId: "", vm, activity: { profile: { $case: "constant", value: { cpuMhz: 100, memoryMb: 1000 } }, startTime: undefined } });
  await world.ended(await change(vm, { memoryMb: 512 }));
  await world.ended(await world.machines.powerOnVm({ requestId: "", vm }));
  assert.equal((await world.inventory.getInventory({})).hosts[0]?.usage?.activeMemoryMb, 512);
  assert.deepEqual((await config(vm)).activity?.profile, { $case: "constant", value: { cpuMhz: 100, memoryMb: 1000 } });
});
