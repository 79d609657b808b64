import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { deferred } from "../../src/base/deferred.js";
import { RpcCode, RpcError } from "../../src/base/rpc-error.js";
import { VirtualMachineConfigSpec } from "../../src/gen/spheresim/vim/v1/virtual_machine.js";
import { MoidCounters } from "../../src/vcenter/inventory/moid-counters.js";
import { COUNTERS_KEY } from "../../src/vcenter/store/keyspace.js";
import type { KeyValueEntry } from "../../src/vcenter/store/key-value.js";
import { eventually } from "../support/eventually.js";
import { hostKey, World } from "./world.js";

/** Counters with the first block set aside. */
async function counters(): Promise<MoidCounters> {
  const made = new MoidCounters(undefined);
  await made.along(() => Promise.resolve());
  return made;
}

function handOut(from: MoidCounters, count: number): void {
  for (let each = 0; each < count; each += 1) from.next("HostSystem");
}

/** The ceiling of hosts that a commit wrote along; 0 where it wrote none. */
function ceiling(puts: readonly KeyValueEntry[]): number {
  const entry = puts.find(({ key }) => key === COUNTERS_KEY);
  return entry === undefined ? 0 : (JSON.parse(entry.value) as { HostSystem: number }).HostSystem;
}

test("the worked example: commits go on beside the one that moves the ceilings until a number lies beyond them", async () => {
  const hosts = await counters();
  handOut(hosts, 501);
  const slow = deferred<void>();
  const moved = hosts.along(async (puts) => {
    await slow.promise;
    return ceiling(puts);
  });
  handOut(hosts, 499);
  assert.equal(await hosts.along(async (puts) => ceiling(puts)), 0);
  handOut(hosts, 1);
  let waited = false;
  const beyond = hosts.along(async (puts) => {
    waited = true;
    return ceiling(puts);
  });
  await Promise.resolve();
  assert.equal(waited, false);
  slow.resolve();
  assert.deepEqual([await moved, await beyond], [1_522, 0]);
});

test("ceilings whose commit failed are not taken for stored: the next commit writes them", async () => {
  const hosts = await counters();
  handOut(hosts, 501);
  await assert.rejects(hosts.along(() => Promise.reject(new RpcError(RpcCode.INVALID_ARGUMENT, "etcdserver: request is too large"))));
  assert.equal(await hosts.along(async (puts) => ceiling(puts)), 1_522);
  assert.equal(await hosts.along(async (puts) => ceiling(puts)), 0);
});

let world: World;
afterEach(() => world?.close());

test("a crash while etcd keeps the ceilings waiting: the next vCenter gives no VM a number that another one has", async () => {
  world = await World.start(1);
  const slow = deferred<void>();
  world.kv.before = (txn) => (txn.puts.some(({ key }) => key === COUNTERS_KEY) ? slow.promise : undefined);
  const config = VirtualMachineConfigSpec.fromPartial({ name: "vm", numCpus: 1, memoryMb: 256 });
  const create = () => world.machines.createVm({ requestId: "", config, host: hostKey(1), pool: undefined, powerOn: false });
  const calls = Promise.allSettled(Array.from({ length: 1_010 }, create));
  await eventually("all are at work", async () => (await world.machines.listVms({ pageSize: 1, pageToken: "", onlyOwned: false })) && world.esxi.vms.length >= 400);
  const stored = await eventually("nothing more is stored", async () => {
    const before = world.kv.keys("/spheresim/vcenter/vms/");
    await world.inventory.listHosts({ pageSize: 0, pageToken: "" });
    const { virtualMachines } = await world.machines.listVms({ pageSize: 1, pageToken: "", onlyOwned: false });
    return virtualMachines.length === 1 && before.length === world.kv.keys("/spheresim/vcenter/vms/").length && before;
  });
  world.kv.before = undefined;
  await world.startVcenter();
  const task = await create();
  assert.ok(!stored.includes(`/spheresim/vcenter/vms/${task.entity?.value}`), task.entity?.value);
  slow.resolve();
  await calls;
});
