import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { DrsBehavior } from "../../src/gen/spheresim/vcenter/v1/inventory.js";
import { Rule } from "../../src/gen/spheresim/vcenter/v1/rule.js";
import type { ManagedObjectReference } from "../../src/gen/spheresim/vim/v1/managed_object.js";
import { TaskState } from "../../src/gen/spheresim/vim/v1/task.js";
import { ScaleSharesBehavior } from "../../src/gen/spheresim/vim/v1/resource.js";
import { VirtualMachineConfigSpec } from "../../src/gen/spheresim/vim/v1/virtual_machine.js";
import { eventually } from "../support/eventually.js";
import { hostKey, hostName, World } from "./world.js";

let world: World;
afterEach(() => world.close());

async function create(name: string, host: number, memoryMb: number): Promise<ManagedObjectReference> {
  const config = VirtualMachineConfigSpec.fromPartial({ name, numCpus: 1, memoryMb, memoryAllocation: { reservation: memoryMb } });
  const task = await world.ended(await world.machines.createVm({ requestId: "", config, host: hostKey(host), pool: undefined, powerOn: true }));
  return task.result ?? assert.fail(JSON.stringify(task.error));
}

async function keepTogether(...vms: readonly ManagedObjectReference[]): Promise<void> {
  await world.rules.addRule({ requestId: "", cluster: undefined, rule: Rule.fromPartial({ name: `with ${vms[0]?.value}`, rule: { $case: "affinity", value: { vms: [...vms] } } }) });
}

async function automate(): Promise<void> {
  const drsConfig = { enabled: true, defaultVmBehavior: DrsBehavior.FULLY_AUTOMATED, migrationThreshold: 1, consumedMemoryMetric: false };
  await world.clusters.reconfigureCluster({ requestId: "", cluster: undefined, drsConfig, dasConfig: undefined, scaleDescendantsShares: ScaleSharesBehavior.UNSPECIFIED });
}

async function hostsOf(...vms: readonly ManagedObjectReference[]): Promise<string[]> {
  return Promise.all(vms.map(async (vm) => (await world.machines.getVm({ target: { $case: "vm", value: vm } })).hostName));
}

test("VMs of rules that keep them together leave a host together, to the one that takes them all", async () => {
  world = await World.start(3);
  const [web, cache, database, other] = [await create("web", 1, 4096), await create("cache", 1, 4096), await create("database", 1, 4096), await create("other", 1, 1024)];
  await keepTogether(web, cache);
  await keepTogether(cache, database);
  // The emptier host for each alone is the second; of all three it has no room for the last.
  await create("half", 2, 6144);
  await create("spread", 3, 2048);
  await automate();
  const ended = await world.ended(await world.enterMaintenance(1));
  assert.equal(ended.state, TaskState.SUCCESS);
  assert.deepEqual(await hostsOf(web, cache, database), [hostName(3), hostName(3), hostName(3)]);
  assert.notEqual((await hostsOf(other))[0], hostName(1));
});

test("where no host takes them all they wait together; once one does, they leave", async () => {
  world = await World.start(2);
  const [web, cache, alone] = [await create("web", 1, 4096), await create("cache", 1, 4096), await create("alone", 1, 1024)];
  await keepTogether(web, cache);
  const full = await create("full", 2, 10_240);
  await automate();
  const task = await world.enterMaintenance(1);
  await eventually("who is kept with nobody has left", async () => (await hostsOf(alone))[0] === hostName(2));
  assert.deepEqual(await hostsOf(web, cache), [hostName(1), hostName(1)]);
  await world.ended(await world.machines.powerOffVm({ requestId: "", vm: full }));
  // A host that takes VMs again is a reason to try at once.
  const connect = (connected: boolean) => world.inventory.setHostConnection({ requestId: "", host: hostKey(2), connected });
  await connect(false);
  await connect(true);
  assert.equal((await world.ended(task)).state, TaskState.SUCCESS);
  assert.deepEqual(await hostsOf(web, cache), [hostName(2), hostName(2)]);
});
