import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { RpcCode } from "../../src/base/rpc-error.js";
import { type AddHostRequest, HostConnectionState, HostSpec } from "../../src/gen/spheresim/vcenter/v1/inventory.js";
import type { ManagedObjectReference } from "../../src/gen/spheresim/vim/v1/managed_object.js";
import { eventually } from "../support/eventually.js";
import { FakeEsxi } from "../support/fake-esxi.js";
import { refusal } from "./refusal.js";
import { HOST, hostKey, hostName, World } from "./world.js";

let world: World;
afterEach(() => world.close());

function request(number: number, change: Partial<AddHostRequest> = {}): AddHostRequest {
  const spec = HostSpec.fromPartial({ name: hostName(number), numCpuCores: HOST.cores, cpuMhz: HOST.coreMhz, memoryMb: HOST.memoryMb, datastores: ["vsan"], networks: ["workload"] });
  return { requestId: "", cluster: world.cluster, spec, address: world.esxi.address, ...change };
}

async function otherCluster(): Promise<ManagedObjectReference | undefined> {
  const { datacenters } = await world.inventory.getInventory({});
  return (await world.inventory.createCluster({ requestId: "", datacenter: datacenters[0]?.ref, name: "other" })).ref;
}

/** All that could have changed: what is told, and what is on record. */
async function everything(): Promise<string> {
  const inventory = await world.inventory.getInventory({});
  const { events } = await world.events.queryEvents({ filter: undefined, pageSize: 1000, pageToken: "" });
  const records = world.kv.keys("/").filter((key) => !key.endsWith("/counters")).map((key) => [key, world.kv.map.get(key)]);
  return JSON.stringify([inventory, events, records], (_key, value: unknown) => (typeof value === "bigint" ? String(value) : value));
}

test("a name that the cluster has is DuplicateName with the name and its host, whatever else is said of it, and changes nothing", async () => {
  world = await World.start(2);
  const before = await everything();
  for (const change of [{}, { requestId: "mine" }, { address: "127.0.0.1:1" }, { spec: { ...HostSpec.create(request(1).spec), memoryMb: 4096 } }, { spec: { ...HostSpec.create(request(1).spec), labels: { rack: "b" } } }]) {
    const { code, reason, fault } = await refusal(world.inventory.addHost(request(1, change)));
    assert.deepEqual([code, reason], [RpcCode.ALREADY_EXISTS, "DuplicateName"]);
    assert.deepEqual(fault, { localizedMessage: `The name "${hostName(1)}" already exists.`, fault: { $case: "duplicateName", value: { name: hostName(1), object: { type: "HostSystem", value: "host-21" } } } });
  }
  assert.equal(await everything(), before);
});

test("a host that another cluster has is AlreadyConnected with its name, connected or not, and changes nothing", async () => {
  world = await World.start(1);
  const cluster = await otherCluster();
  for (const connected of [true, false]) {
    await world.inventory.setHostConnection({ requestId: "", host: hostKey(1), connected });
    const before = await everything();
    const { code, reason, fault } = await refusal(world.inventory.addHost(request(1, { cluster })));
    assert.deepEqual([code, reason, fault.fault], [RpcCode.ALREADY_EXISTS, "AlreadyConnected", { $case: "alreadyConnected", value: { name: hostName(1) } }]);
    assert.equal(await everything(), before);
  }
});

test("of many who add a host at once one has it, the others DuplicateName naming it; once it is removed its name is free", async () => {
  world = await World.start(0);
  world.esxi.addHost(hostName(1), 1000, 1024);
  const calls = Array.from({ length: 5 }, () => world.inventory.addHost(request(1)));
  const answers = await Promise.allSettled(calls);
  const added = answers.flatMap((answer) => (answer.status === "fulfilled" ? [answer.value] : []));
  assert.equal(added.length, 1);
  const moid = added[0]?.ref?.value;
  for (const call of calls.filter((_call, index) => answers[index]?.status === "rejected")) {
    const { fault } = await refusal(call);
    assert.deepEqual(fault.fault, { $case: "duplicateName", value: { name: hostName(1), object: { type: "HostSystem", value: moid } } });
  }
  await world.inventory.removeHost({ requestId: "", host: hostKey(1) });
  assert.notEqual((await world.inventory.addHost(request(1))).ref?.value, moid);
});

test("the same request again is answered with its host, after a restart too; another body under its id is RequestIdReused", async () => {
  world = await World.start(0);
  world.esxi.addHost(hostName(1), 1000, 1024);
  const wanted = request(1, { requestId: "once" });
  const added = await world.inventory.addHost(wanted);
  assert.equal((await world.inventory.addHost(wanted)).ref?.value, added.ref?.value);
  await world.inventory.setHostConnection({ requestId: "", host: hostKey(1), connected: false });
  await world.stopVcenter();
  await world.startVcenter();
  const again = await world.inventory.addHost(wanted);
  assert.deepEqual([again.ref?.value, again.connectionState], [added.ref?.value, HostConnectionState.DISCONNECTED]);
  assert.equal((await refusal(world.inventory.addHost({ ...wanted, address: "127.0.0.1:1" }))).reason, "RequestIdReused");
  assert.equal((await refusal(world.inventory.addHost({ ...wanted, requestId: "twice" }))).reason, "DuplicateName");
});

test("SetHostConnection says where a HostD answers from now on, of a disconnected host too, which stays so", async () => {
  world = await World.start(1);
  const other = new FakeEsxi();
  other.addHost(hostName(1), HOST.cores * HOST.coreMhz, HOST.memoryMb);
  await other.start();
  try {
    assert.deepEqual((await refusal(world.inventory.setHostConnection({ requestId: "", host: hostKey(1), connected: true, address: "nowhere" }))).fields, ["address"]);
    assert.deepEqual((await refusal(world.inventory.setHostConnection({ requestId: "", host: hostKey(1) }))).fields, ["connected"]);
    await world.inventory.setHostConnection({ requestId: "", host: hostKey(1), connected: false });
    const moved = await world.inventory.setHostConnection({ requestId: "", host: hostKey(1), address: other.address });
    assert.deepEqual([moved.address, moved.connectionState], [other.address, HostConnectionState.DISCONNECTED]);
    await world.stopVcenter();
    await world.startVcenter();
    const [host] = (await world.inventory.getInventory({})).hosts;
    assert.deepEqual([host?.address, host?.connectionState], [other.address, HostConnectionState.DISCONNECTED]);
    await world.inventory.setHostConnection({ requestId: "", host: hostKey(1), connected: true });
    await world.connected(1);
    await world.esxi.stop();
    assert.equal((await world.inventory.getInventory({})).hosts[0]?.connectionState, HostConnectionState.CONNECTED);
    await world.inventory.setHostConnection({ requestId: "", host: hostKey(1), connected: true, address: "127.0.0.1:1" });
    await eventually("nobody answers there", async () => (await world.inventory.getInventory({})).hosts[0]?.connectionState === HostConnectionState.NOT_RESPONDING);
    await world.inventory.setHostConnection({ requestId: "", host: hostKey(1), address: other.address });
    await world.connected(1);
  } finally {
    await other.stop();
  }
});
