import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { CreateResourcePoolRequest } from "../../src/gen/spheresim/vcenter/v1/resource_pool.js";
import type { ManagedObjectReference } from "../../src/gen/spheresim/vim/v1/managed_object.js";
import { VirtualMachineConfigSpec } from "../../src/gen/spheresim/vim/v1/virtual_machine.js";
import { refusal } from "./refusal.js";
import { hostKey, World } from "./world.js";

let world: World;
afterEach(() => world.close());

/** A pool with a memory reservation and nothing to borrow. */
async function pool(name: string, reservationMb: number, parent?: ManagedObjectReference, expandableReservation = false): Promise<ManagedObjectReference> {
  const made = await world.pools.createResourcePool(CreateResourcePoolRequest.fromPartial({ name, parent, config: { memoryAllocation: { reservation: reservationMb, expandableReservation } } }));
  assert.ok(made.ref);
  return made.ref;
}

async function usedMb(ref: ManagedObjectReference): Promise<number | undefined> {
  const { resourcePools } = await world.inventory.getInventory({});
  return resourcePools.find((each) => each.ref?.value === ref.value)?.usage?.reservationUsedMemoryMb;
}

/** A running VM that reserves 1,000 MB and some overhead, in a pool. */
async function machine(name: string, inPool: ManagedObjectReference): Promise<ManagedObjectReference> {
  const config = VirtualMachineConfigSpec.fromPartial({ name, guestId: "otherGuest64", numCpus: 1, memoryMb: 1000, memoryAllocation: { reservation: 1000 } });
  const task = await world.ended(await world.machines.createVm({ requestId: "", config, host: hostKey(1), pool: inPool, powerOn: true }));
  assert.ok(task.result, task.error?.localizedMessage);
  return task.result;
}

const move = (target: ManagedObjectReference | undefined, ...list: readonly ManagedObjectReference[]) => world.pools.moveIntoResourcePool({ requestId: "", pool: target, list: [...list] });

test("what pools and VMs reserve moves with them, also across a restart", async () => {
  world = await World.start(1);
  const [gold, bronze] = [await pool("gold", 4000), await pool("bronze", 6000)];
  const inner = await pool("inner", 2000, gold);
  const vm = await machine("db", inner);
  const held = (await usedMb(inner)) ?? 0;
  assert.ok(held > 1000 && held < 1100, "reservation and overhead");
  assert.deepEqual([await usedMb(gold), await usedMb(bronze)], [2000, 0]);
  await move(bronze, inner);
  assert.deepEqual([await usedMb(gold), await usedMb(bronze), await usedMb(inner)], [0, 2000, held]);
  await move(gold, vm);
  assert.deepEqual([await usedMb(gold), await usedMb(bronze), await usedMb(inner)], [held, 2000, 0]);
  await move(gold, vm, inner);
  assert.deepEqual([await usedMb(gold), await usedMb(bronze)], [held + 2000, 0], "where it is already it stays");
  const before = (await world.inventory.getInventory({})).resourcePools;
  await world.stopVcenter();
  await world.startVcenter();
  assert.deepEqual((await world.inventory.getInventory({})).resourcePools, before);
});

test("a pool takes nothing in that it has no room for, and never itself", async () => {
  world = await World.start(1);
  const [gold, small] = [await pool("gold", 6000), await pool("small", 500)];
  const inner = await pool("inner", 2000, gold);
  const innermost = await pool("innermost", 1000, inner);
  await pool("inner", 0, small);
  const vm = await machine("db", gold);
  await world.pools.createResourcePool(CreateResourcePoolRequest.fromPartial({ name: "red", namespace: "red" }));
  const { resourcePools, clusters } = await world.inventory.getInventory({});
  const red = resourcePools.find((each) => each.namespace === "red")?.ref;
  const root = clusters[0]?.rootPool;
  assert.ok(red && root);
  await world.deploy("pod-1", { namespace: "red" });
  const pod = (await world.inventory.getInventory({})).virtualMachines.find((each) => each.ownerUid === "pod-1")?.ref;
  assert.ok(pod);
  const cases: readonly [string, () => Promise<unknown>][] = [
    ["InvalidArgument pool", () => move(undefined, inner)],
    ["InvalidArgument list", () => move(gold)],
    ["InvalidArgument list[0]", () => move(inner, inner)],
    ["InvalidArgument list[0]", () => move(innermost, inner)],
    ["InvalidArgument list[0]", () => move(gold, { type: "HostSystem", value: "host-21" })],
    ["ManagedObjectNotFound", () => move(gold, { type: "ResourcePool", value: "resgroup-99" })],
    ["DuplicateName", () => move(small, inner)],
    ["InsufficientMemoryResourcesFault", () => move(small, innermost)],
    ["InsufficientMemoryResourcesFault", () => move(small, vm)],
    ["NotSupported", () => move(gold, root)],
    ["NotSupported", () => move(gold, red)],
    ["NotSupported", () => move(gold, pod)],
  ];
  const before = await world.inventory.getInventory({});
  for (const [expected, call] of cases) {
    const refused = await refusal(call());
    assert.equal([refused.reason, ...refused.fields].join(" "), expected);
  }
  assert.deepEqual(await world.inventory.getInventory({}), before);
});

test("pools lie eight deep below the root at most, made there or moved there", async () => {
  world = await World.start(1);
  const chain = [await pool("1", 0)];
  for (let level = 2; level <= 8; level += 1) chain.push(await pool(String(level), 0, chain.at(-1)));
  assert.equal((await refusal(pool("9", 0, chain[7]))).reason, "NotSupported");
  const outer = await pool("outer", 0);
  const inner = await pool("inner", 0, outer);
  assert.equal((await refusal(move(chain[6], outer))).reason, "NotSupported");
  await move(chain[6], inner);
  await move(chain[5], outer);
});
