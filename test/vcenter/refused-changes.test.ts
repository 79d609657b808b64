import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { deferred } from "../../src/base/deferred.js";
import { RpcCode, RpcError } from "../../src/base/rpc-error.js";
import { EventFilter } from "../../src/gen/spheresim/vcenter/v1/event.js";
import { HostConnectionState } from "../../src/gen/spheresim/vcenter/v1/inventory.js";
import { CreateResourcePoolRequest } from "../../src/gen/spheresim/vcenter/v1/resource_pool.js";
import type { ManagedObjectReference } from "../../src/gen/spheresim/vim/v1/managed_object.js";
import { TaskState } from "../../src/gen/spheresim/vim/v1/task.js";
import { VirtualMachineConfigSpec, VirtualMachinePowerState } from "../../src/gen/spheresim/vim/v1/virtual_machine.js";
import type { KeyValueTxn } from "../../src/vcenter/store/key-value.js";
import { eventually } from "../support/eventually.js";
import { refusal } from "./refusal.js";
import { hostKey, World } from "./world.js";

// What etcd refuses did not happen; what hosts say while it is asked did.

let world: World;
afterEach(() => world.close());

const OFF = VirtualMachinePowerState.POWERED_OFF;

/** etcd refuses the next Txn that is `which`, when `meanwhile` has happened. */
function refuseAfter(which: (txn: KeyValueTxn) => boolean, meanwhile: () => Promise<void>): void {
  world.kv.before = async (txn) => {
    if (!which(txn)) return;
    world.kv.before = undefined;
    await meanwhile();
    throw new RpcError(RpcCode.PERMISSION_DENIED, "etcdserver: permission denied");
  };
}

const removesAHost = ({ deletes }: KeyValueTxn): boolean => deletes.some((key) => key.includes("/hosts/"));

async function count(type: string): Promise<number> {
  const { events } = await world.events.queryEvents({ filter: EventFilter.fromPartial({ types: [type] }), pageSize: 1000, pageToken: "" });
  return events.length;
}

async function states(): Promise<(HostConnectionState | undefined)[]> {
  return (await world.inventory.getInventory({})).hosts.map((host) => host.connectionState);
}

/** A VM that runs on host 1, and its instance uuid. */
async function machine(): Promise<{ readonly ref: ManagedObjectReference; readonly uuid: string }> {
  const config = VirtualMachineConfigSpec.fromPartial({ name: "db", guestId: "otherGuest64", numCpus: 1, memoryMb: 256 });
  const task = await world.ended(await world.machines.createVm({ requestId: "", config, host: hostKey(1), pool: undefined, powerOn: true }));
  const [vm] = world.esxi.vms;
  assert.ok(task.result && vm?.config);
  return { ref: task.result, uuid: vm.config.instanceUuid };
}

/** The host powers the VM off by itself, and vCenter has heard of it. */
async function falls(uuid: string): Promise<void> {
  world.esxi.happen(uuid, { powerState: OFF });
  await eventually("the VM is shown as off", async () => (await world.inventory.getInventory({})).virtualMachines[0]?.powerState === OFF);
}

test("a host that fell silent while its removal was refused is not said to answer", async () => {
  world = await World.start(1);
  refuseAfter(removesAHost, async () => {
    await world.esxi.stop();
    await eventually("the loss is noticed", async () => (await count("HostConnectionLostEvent")) === 1);
  });
  assert.equal((await refusal(world.inventory.removeHost({ requestId: "", host: hostKey(1) }))).code, RpcCode.PERMISSION_DENIED);
  assert.deepEqual(await states(), [HostConnectionState.NOT_RESPONDING]);
  await world.esxi.start();
  await world.connected(1);
  assert.equal(await count("HostConnectedEvent"), 2);
  assert.equal(await count("HostRemovedEvent"), 0);
});

test("a host that came back while its removal was refused is connected again, and takes VMs", async () => {
  world = await World.start(2);
  refuseAfter(removesAHost, async () => {
    await world.esxi.stop();
    await eventually("both are lost", async () => (await count("HostConnectionLostEvent")) === 2);
    await world.esxi.start();
    await eventually("the other one is back", async () => (await states())[1] === HostConnectionState.CONNECTED);
  });
  await refusal(world.inventory.removeHost({ requestId: "", host: hostKey(1) }));
  await world.connected(2);
  assert.equal(await count("HostConnectedEvent"), 4);
  await machine();
  await refusal(world.inventory.removeHost({ requestId: "", host: hostKey(1) }));
});

test("a VM that fell while its move into a pool was refused is off, and in the pool it was in", async () => {
  world = await World.start(1);
  const { ref, uuid } = await machine();
  const { ref: pool } = await world.pools.createResourcePool(CreateResourcePoolRequest.fromPartial({ name: "gold" }));
  const before = (await world.inventory.getInventory({})).virtualMachines[0]?.pool;
  // It is powered on again only after the move has let go of it.
  refuseAfter(({ puts }) => puts.some(({ key }) => key.includes("/vms/")), () => falls(uuid));
  world.esxi.before = (method) => {
    if (method === "powerOnVm") throw new RpcError(RpcCode.UNAVAILABLE, "not yet");
  };
  await refusal(world.pools.moveIntoResourcePool({ requestId: "", pool, list: [ref] }));
  const [vm] = (await world.inventory.getInventory({})).virtualMachines;
  assert.deepEqual([vm?.powerState, vm?.pool], [OFF, before]);
});

test("a VM that fell while its power-off was refused is off, and comes up again", async () => {
  world = await World.start(1);
  const { ref, uuid } = await machine();
  refuseAfter(({ puts }) => puts.some(({ key }) => key.includes("/tasks/")), () => falls(uuid));
  const mayRise = deferred<void>();
  world.esxi.before = (method) => (method === "powerOnVm" ? mayRise.promise : undefined);
  await refusal(world.machines.powerOffVm({ requestId: "", vm: ref }));
  assert.equal((await world.inventory.getInventory({})).virtualMachines[0]?.powerState, OFF);
  mayRise.resolve();
  await rises();
});

test("a VM that fell while its host refused to power it off comes up again", async () => {
  world = await World.start(1);
  const { ref, uuid } = await machine();
  world.esxi.before = async (method) => {
    if (method !== "powerOffVm") return;
    await falls(uuid);
    throw new RpcError(RpcCode.INTERNAL, "the host is confused");
  };
  const task = await world.ended(await world.machines.powerOffVm({ requestId: "", vm: ref }));
  assert.equal(task.state, TaskState.ERROR);
  await rises();
});

/** vCenter has the VM powered on again. */
async function rises(): Promise<void> {
  await eventually("it runs again", async () => (await world.inventory.getInventory({})).virtualMachines[0]?.powerState === VirtualMachinePowerState.POWERED_ON);
}
