import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { RpcCode } from "../../src/base/rpc-error.js";
import { CreateResourcePoolRequest } from "../../src/gen/spheresim/vcenter/v1/resource_pool.js";
import { AddRuleRequest, PutGroupRequest } from "../../src/gen/spheresim/vcenter/v1/rule.js";
import type { ManagedObjectReference } from "../../src/gen/spheresim/vim/v1/managed_object.js";
import { VirtualMachineConfigSpec } from "../../src/gen/spheresim/vim/v1/virtual_machine.js";
import { INVENTORY_LIMITS } from "../../src/vcenter/inventory/inventory-limits.js";
import { refusal } from "./refusal.js";
import { hostKey, World } from "./world.js";

let world: World;
afterEach(() => world.close());

const pool = (name: string, namespace = "") => world.pools.createResourcePool(CreateResourcePoolRequest.fromPartial({ name, namespace }));

function machine(name: string) {
  const config = VirtualMachineConfigSpec.fromPartial({ name, guestId: "otherGuest64", numCpus: 1, memoryMb: 256 });
  return world.machines.createVm({ requestId: "", config, host: hostKey(1), pool: undefined, powerOn: false });
}

async function everything(): Promise<unknown> {
  const { datacenters, clusters, hosts, resourcePools, virtualMachines } = await world.inventory.getInventory({});
  return [datacenters, clusters, hosts, resourcePools, virtualMachines].map((objects) => objects.length);
}

test("an inventory that is full of a kind takes no more of it, and has room again when one goes", async () => {
  world = await World.start(2, { limits: { datacenters: 1, clusters: 1, hosts: 2, resourcePools: 2, virtualMachines: 2 } });
  const gold = await pool("gold");
  const vm = await world.ended(await machine("db"));
  await world.deploy("uid-1");
  const before = await everything();
  const keys = world.kv.keys("/spheresim/vcenter/");
  const refused = async (call: Promise<unknown>): Promise<unknown> => {
    const { code, reason, message } = await refusal(call);
    return [code, reason, message];
  };
  const notSupported = (what: string) => [RpcCode.FAILED_PRECONDITION, "NotSupported", `The operation is not supported on the object: more than ${what}.`];
  assert.deepEqual(await refused(world.inventory.createDatacenter({ requestId: "", name: "dc-02" })), notSupported("1 datacenters"));
  const [{ datacenters }] = [await world.inventory.getInventory({})];
  assert.deepEqual(await refused(world.inventory.createCluster({ requestId: "", datacenter: datacenters[0]?.ref, name: "second" })), notSupported("1 clusters"));
  world.esxi.addHost("esxi-03.spheresim.test", 1000, 1024);
  assert.deepEqual(await refused(world.addHost(3)), [RpcCode.RESOURCE_EXHAUSTED, "TooManyHosts", "The inventory takes no more hosts: it has 2."]);
  assert.deepEqual(await refused(pool("bronze")), notSupported("2 resource pools"));
  assert.deepEqual(await refused(pool("red", "red")), notSupported("2 resource pools"));
  assert.deepEqual(await refused(machine("web")), notSupported("2 virtual machines"));
  await world.place("uid-2");
  assert.deepEqual(await refused(world.apply("uid-2")), notSupported("2 virtual machines"));
  assert.deepEqual(await everything(), before);
  assert.deepEqual(world.kv.keys("/spheresim/vcenter/"), keys);

  await world.ended(await world.machines.destroyVm({ requestId: "", target: { $case: "vm", value: vm.result as ManagedObjectReference }, powerOff: false, uuid: "" }));
  assert.ok((await world.ended(await world.apply("uid-2"))).result, "the hold is still there");
  await world.pools.destroyResourcePool({ requestId: "", pool: gold.ref });
  await pool("bronze");
});

test("what the emulator is made for has room", () => {
  assert.ok(INVENTORY_LIMITS.hosts >= 5_000 && INVENTORY_LIMITS.virtualMachines >= 100_000 && INVENTORY_LIMITS.resourcePools >= 2_000);
});

test("rules and groups of a cluster name only so many together: a page of them is one answer", async () => {
  world = await World.start(1);
  const [cluster] = (await world.inventory.getInventory({})).clusters.map(({ ref }) => ref?.value ?? "");
  // As on record from a vCenter before: 50 groups of 10,000, of which nobody has looked whether they are there.
  const vm = (await world.ended(await machine("db"))).result as ManagedObjectReference;
  const other = (await world.ended(await machine("web"))).result as ManagedObjectReference;
  await world.stopVcenter();
  const record = [...world.kv.map].find(([key]) => key === `/spheresim/vcenter/vms/${vm.value}`)?.[1] ?? "";
  const members: ManagedObjectReference[] = [];
  for (let count = 0; count < 10_000; count += 1) {
    const moid = `vm-${20_000 + count}`;
    world.kv.map.set(`/spheresim/vcenter/vms/${moid}`, record.replaceAll(vm.value, moid));
    members.push({ type: "VirtualMachine", value: moid });
  }
  const group = JSON.stringify({ vms: { vms: members } });
  for (let count = 0; count < 50; count += 1) world.kv.map.set(`/spheresim/vcenter/groups/${cluster}/group-${count}`, group.replace("{", `{"name":"group-${count}",`));
  await world.startVcenter();
  const what = "rules and groups of a cluster that name 500002 virtual machines and hosts, at most 500000 are taken";
  const put = (name: string, vms: readonly ManagedObjectReference[]) => world.rules.putGroup(PutGroupRequest.fromPartial({ group: { name, members: { $case: "vms", value: { vms: [...vms] } } } }));
  const add = () => world.rules.addRule(AddRuleRequest.fromPartial({ rule: { name: "apart", rule: { $case: "antiAffinity", value: { vms: [vm, other] } } } }));
  assert.ok((await refusal(add())).message.includes(what));
  assert.ok((await refusal(put("one more", [vm, other]))).message.includes(what));
  await put("group-7", [vm, other]);
  await add();
});
