import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { VirtualMachineConfigSpec } from "../../src/gen/spheresim/vim/v1/virtual_machine.js";
import type { ManagedObjectReference } from "../../src/gen/spheresim/vim/v1/managed_object.js";
import { hostKey, hostName, World } from "./world.js";

let world: World;
afterEach(() => world.close());

async function create(name: string): Promise<ManagedObjectReference> {
  const config = VirtualMachineConfigSpec.fromPartial({ name, numCpus: 1, memoryMb: 256 });
  return (await world.ended(await world.machines.createVm({ requestId: "", config, host: hostKey(1), pool: undefined, powerOn: false }))).result ?? assert.fail(name);
}

test("VMs are listed by moid in pages of one moment, whatever comes and goes meanwhile, also after a restart", async () => {
  world = await World.start(1);
  const names = Array.from({ length: 12 }, (_, index) => `vm-named-${index}`);
  const made: ManagedObjectReference[] = [];
  for (const name of names) made.push(await create(name));
  // Read from etcd they come in order of their keys, where vm-110 stands before vm-99.
  await world.stopVcenter();
  await world.startVcenter();
  await world.connected(1);
  const page = (pageToken: string) => world.machines.listVms({ pageSize: 5, pageToken, onlyOwned: false });
  const first = await page("");
  await create("late");
  await world.ended(await world.machines.destroyVm({ requestId: "", target: { $case: "vm", value: made[7] ?? assert.fail() }, powerOff: false, uuid: "" }));
  const second = await page(first.nextPageToken);
  const third = await page(second.nextPageToken);
  const seen = [first, second, third].flatMap(({ virtualMachines }) => virtualMachines);
  assert.deepEqual(seen.map(({ config }) => config?.name), names);
  assert.ok(seen.every((vm) => vm.hostName === hostName(1)));
  assert.equal(third.nextPageToken, "");
  const now = await world.machines.listVms({ pageSize: 1000, pageToken: "", onlyOwned: false });
  assert.deepEqual(now.virtualMachines.map(({ config }) => config?.name), [...names.filter((_, index) => index !== 7), "late"]);
  assert.deepEqual((await world.machines.listVms({ pageSize: 5, pageToken: "", onlyOwned: true })).virtualMachines, []);
});
