import assert from "node:assert/strict";
import { test } from "node:test";
import { monotonicClock } from "../../src/base/clock.js";
import { silentLogger } from "../../src/base/log.js";
import { RpcError } from "../../src/base/rpc-error.js";
import { MemoryTable, startEtcd } from "../../src/etcd/index.js";
import { TaskState } from "../../src/gen/spheresim/vim/v1/task.js";
import { VirtualMachineConfigSpec, VirtualMachinePowerState } from "../../src/gen/spheresim/vim/v1/virtual_machine.js";
import { EtcdKeyValue } from "../../src/vcenter/client.js";
import type { KeyValue } from "../../src/vcenter/store/key-value.js";
import { eventually } from "../support/eventually.js";
import { MemoryKeyValue } from "./memory-key-value.js";
import { type Deed, type End, liveTwice } from "./two-lives.js";
import { HOST, hostKey, hostName, onHosts, podSpec, type World } from "./world.js";

/** What was asked for and is so already is as good as done. */
async function unless(reason: string, deed: Promise<void>): Promise<void> {
  await deed.catch((error: unknown) => {
    if (!(error instanceof RpcError) || error.reason?.reason !== reason) throw error;
  });
}

const POD = "uid-1";
const DATABASE = VirtualMachineConfigSpec.fromPartial({ name: "database", numCpus: 2, memoryMb: 2048, memoryAllocation: { reservation: 1024 } });

async function database(world: World) {
  const vm = (await world.inventory.getInventory({})).virtualMachines.find((each) => each.config?.name === "database");
  return vm ?? assert.fail("the database is gone");
}

const ARRIVAL: readonly Deed[] = [
  async (world) => {
    await world.pools.createResourcePool({ requestId: "pool", parent: undefined, name: "red", namespace: "red", config: undefined });
  },
  async (world, ended) => {
    const task = await world.machines.createVm({ requestId: "database/1", config: DATABASE, host: hostKey(1), pool: undefined, powerOn: true });
    assert.equal((await ended(task)).state, TaskState.SUCCESS);
  },
  async (world) => {
    const vm = await database(world);
    await world.machines.setActivity({ requestId: "", vm: vm.ref, activity: { profile: { $case: "constant", value: { cpuMhz: 900, memoryMb: 700 } }, startTime: undefined } });
  },
  async (world, ended) => {
    // The database moves to the other host meanwhile. A task that the next vCenter took up is under way already.
    await unless("InvalidState", world.enterMaintenance(1).then(async (task) => void (await ended(task))));
    await eventually("host 1 is in maintenance mode", async () => (await world.inventory.getInventory({})).hosts[0]?.inMaintenanceMode === true);
    assert.equal((await database(world)).hostName, hostName(2));
  },
  async (world) => {
    await unless("InvalidState", world.inventory.exitMaintenanceMode({ requestId: "", host: hostKey(1) }).then(() => undefined));
  },
  async (world, ended) => {
    const { recommendations } = await world.place(POD, { namespace: "red", hosts: onHosts(1, 2) });
    const host = recommendations[0]?.actions[0]?.targetHostName === hostName(1) ? 1 : 2;
    // As the scheduler extension does: by key, and by what it stood for where the key is forgotten.
    const spec = podSpec(POD, { namespace: "red", hosts: onHosts(host) });
    const task = await world.placement.applyRecommendation({ requestId: "", key: recommendations[0]?.key ?? "", ownerUid: POD, spec });
    assert.equal((await ended(task)).state, TaskState.SUCCESS);
  },
];

const DEPARTURE: readonly Deed[] = [
  async (world, ended) => {
    const vm = await database(world);
    await unless("InvalidPowerState", world.machines.powerOffVm({ requestId: "", vm: vm.ref }).then(async (task) => void (await ended(task))));
  },
  async (world, ended) => {
    await unless("ManagedObjectNotFound", world.machines.destroyVm({ requestId: "", target: { $case: "ownerUid", value: POD }, powerOff: true, uuid: "" }).then(async (task) => void (await ended(task))));
  },
  async (world, ended) => {
    const vm = (await world.inventory.getInventory({})).virtualMachines[0];
    if (vm?.ref === undefined) return;
    const target = { $case: "vm", value: vm.ref } as const;
    await unless("ManagedObjectNotFound", world.machines.destroyVm({ requestId: "", target, powerOff: true, uuid: "" }).then(async (task) => void (await ended(task))));
  },
];

/** Does every deed; the number of writes. */
function live(inner: KeyValue, end: End | undefined): Promise<number> {
  return liveTwice(inner, end, async (world, perform) => {
    for (const deed of ARRIVAL) await perform(deed);
    await eventually("both VMs run", () => world.esxi.vms.filter((vm) => vm.powerState === VirtualMachinePowerState.POWERED_ON).length === 2);
    assert.equal(new Set(world.esxi.calls.filter(({ method }) => method === "createVm").map(({ instanceUuid }) => instanceUuid)).size, 2, "nothing was created twice");
    const inventory = await world.inventory.getInventory({});
    assert.deepEqual(inventory.virtualMachines.map((vm) => vm.ownerUid).toSorted(), ["", POD]);
    assert.equal(inventory.resourcePools.filter((pool) => pool.namespace === "red").length, 1);
    const owned = inventory.virtualMachines.find((vm) => vm.ownerUid === POD);
    assert.equal(world.esxi.vms.find((vm) => vm.config?.uuid === owned?.config?.uuid)?.hostName, owned?.hostName);
    const reservedMb = inventory.virtualMachines.reduce((sum, vm) => sum + (vm.config?.memoryAllocation?.reservation ?? 0) + (vm.config?.overheadMemoryMb ?? 0), 0);
    const bookedMb = inventory.hosts.reduce((sum, host) => sum + (host.usage?.reservedMemoryMb ?? 0), 0);
    assert.equal(bookedMb, reservedMb, "what runs is booked, once, and nothing else is");
    assert.deepEqual((await database(world)).activity?.profile, { $case: "constant", value: { cpuMhz: 900, memoryMb: 700 } });

    for (const deed of DEPARTURE) await perform(deed);
    await eventually("no host has a VM", () => world.esxi.vms.length === 0);
    const empty = await world.inventory.getInventory({});
    assert.deepEqual(empty.virtualMachines, []);
    assert.deepEqual(empty.hosts.map((host) => [host.usage?.reservedCpuMhz, host.usage?.reservedMemoryMb, host.usage?.activeCpuMhz]), [[0, 0, 0], [0, 0, 0]]);
    assert.equal(empty.hosts[0]?.spec?.memoryMb, HOST.memoryMb);
    const left = (await inner.list("/spheresim/vcenter/")).map(({ key }) => key).filter((key) => /\/(vms|owners|tasks|creations)\//.test(key));
    assert.deepEqual(left, []);
  });
}

test("vCenter ends at each of its writes, before or after it takes effect, and another one goes on: nothing is lost, nothing is made twice", async () => {
  const writes = await live(new MemoryKeyValue(), undefined);
  assert.ok(writes >= 10, `${writes} writes`);
  for (let write = 1; write <= writes; write += 1) {
    for (const takesEffect of [false, true]) {
      await live(new MemoryKeyValue(), { write, takesEffect }).catch((error: unknown) => {
        throw new Error(`ended ${takesEffect ? "after" : "before"} write ${write} of ${writes}`, { cause: error });
      });
    }
  }
});

test("the same on the etcd room, over its wire", async () => {
  const onEtcd = async (end: End | undefined): Promise<number> => {
    const etcd = await startEtcd({ listen: "127.0.0.1:0", dataDir: new MemoryTable(), clock: monotonicClock(), log: silentLogger });
    const kv = new EtcdKeyValue({ endpoints: [etcd.address], tls: undefined, clock: monotonicClock() });
    try {
      return await live(kv, end);
    } finally {
      kv.close();
      await etcd.close();
    }
  };
  const writes = await onEtcd(undefined);
  for (let write = 1; write <= writes; write += 3) await onEtcd({ write, takesEffect: write % 2 === 0 });
});
