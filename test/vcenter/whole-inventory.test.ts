import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../src/base/clock.js";
import { RpcCode, RpcError } from "../../src/base/rpc-error.js";
import { atOnce, inSlices } from "../../src/base/slices.js";
import { Host, Inventory, ResourcePool, VirtualMachine } from "../../src/gen/spheresim/vcenter/v1/inventory.js";
import { showHost, showPool, showVm } from "../../src/vcenter/inventory/inventory-view.js";
import { wholeInventory } from "../../src/vcenter/inventory/whole-inventory.js";
import { Holds } from "../../src/vcenter/placement/holds.js";
import { benchInventory } from "../bench/drs/bench-inventory.js";

function world(vms: number) {
  const clock = new ManualClock();
  const inventory = benchInventory({ vms, pools: 12, hosts: 15 }, clock);
  return { inventory, holds: new Holds(inventory.ledger, clock) };
}

test("the pieces of the message are the message, each kind in order of moid", () => {
  const { inventory, holds } = world(1_000);
  const message = Inventory.decode(atOnce(wholeInventory(inventory, holds)));
  const byMoid = (moids: readonly string[]): string[] => moids.toSorted((left, right) => Number(left.split("-")[1]) - Number(right.split("-")[1]));
  assert.deepEqual(message.virtualMachines, byMoid(inventory.vms.map((vm) => vm.moid)).map((moid) => VirtualMachine.decode(VirtualMachine.encode(showVm(inventory, moid)).finish())));
  assert.deepEqual(message.hosts, byMoid(inventory.hosts.map((host) => host.moid)).map((moid) => Host.decode(Host.encode(showHost(inventory, moid)).finish())));
  assert.deepEqual(message.resourcePools, byMoid(inventory.pools.map((pool) => pool.moid)).map((moid) => ResourcePool.decode(ResourcePool.encode(showPool(inventory, moid)).finish())));
  assert.deepEqual([message.clusters.length, message.holds], [1, []]);
});

test("it is of one moment, whatever happens between the slices", () => {
  const { inventory, holds } = world(1_000);
  const before = Inventory.decode(atOnce(wholeInventory(inventory, holds)));
  const work = wholeInventory(inventory, holds);
  let slices = 0;
  for (let step = work.next(); ; step = work.next()) {
    if (step.done === true) {
      assert.deepEqual(Inventory.decode(step.value), before);
      break;
    }
    slices += 1;
    for (const vm of inventory.vms.slice(0, 3)) inventory.removeVm(vm.moid);
  }
  assert.ok(slices >= 2);
});

test("more than a message holds is refused in the words of gRPC, and says what to call instead", async () => {
  const { inventory, holds } = world(1_000);
  const size = atOnce(wholeInventory(inventory, holds)).length;
  assert.equal((await inSlices(wholeInventory(inventory, holds, size))).length, size);
  await assert.rejects(inSlices(wholeInventory(inventory, holds, size - 1)), (error: unknown) => {
    assert.ok(RpcError.is(error, RpcCode.RESOURCE_EXHAUSTED));
    assert.equal((error as Error).message, `grpc: trying to send message larger than max (${size} vs. ${size - 1}): read the inventory by pages, with ListHosts, ListResourcePools and ListVms, or follow it with WatchInventory`);
    return true;
  });
});
