import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { RpcError } from "../../src/base/rpc-error.js";
import { Dice } from "../../src/base/seeded-random.js";
import type { Host, VirtualMachine } from "../../src/gen/spheresim/vcenter/v1/inventory.js";
import { ResourceAllocationInfo } from "../../src/gen/spheresim/vim/v1/resource.js";
import { TaskState } from "../../src/gen/spheresim/vim/v1/task.js";
import { VirtualMachineConfigSpec, VirtualMachinePowerState } from "../../src/gen/spheresim/vim/v1/virtual_machine.js";
import { eventually } from "../support/eventually.js";
import { HOST, hostKey, hostName, World } from "./world.js";

const HOSTS = 3;
const OPERATIONS = 3_000;
const AT_A_TIME = 16;
const MAX_VMS = 24;
const CAPACITY_MHZ = HOST.cores * HOST.coreMhz;
/** What a call may be refused with when others are at work. */
const REFUSALS = new Set([
  "TaskInProgress",
  "InvalidPowerState",
  "ManagedObjectNotFound",
  "InvalidArgument",
  "NotSupported",
  "NoCompatibleHost",
  "InsufficientHostCpuCapacityFault",
  "InsufficientHostMemoryCapacityFault",
  "InsufficientCpuResourcesFault",
  "InsufficientMemoryResourcesFault",
]);

let world: World;
afterEach(() => world.close());

function sum(vms: readonly VirtualMachine[]): number {
  return vms.reduce((total, vm) => total + (vm.config?.cpuAllocation?.reservation ?? 0), 0);
}

async function check(): Promise<void> {
  const { hosts, virtualMachines, resourcePools } = await world.inventory.getInventory({});
  for (const { spec, usage, ref } of hosts) {
    const { reservedCpuMhz = 0, reservedMemoryMb = 0 } = usage ?? {};
    assert.ok(reservedCpuMhz >= 0 && reservedCpuMhz <= CAPACITY_MHZ, `${reservedCpuMhz} MHz on ${spec?.name}`);
    assert.ok(reservedMemoryMb >= 0 && reservedMemoryMb <= HOST.memoryMb, `${reservedMemoryMb} MB on ${spec?.name}`);
    const running = virtualMachines.filter((vm) => vm.host?.value === ref?.value && vm.powerState === VirtualMachinePowerState.POWERED_ON);
    assert.ok(sum(running) <= reservedCpuMhz, `what runs on ${spec?.name} is booked`);
  }
  for (const { usage } of resourcePools) assert.ok((usage?.unreservedCpuMhz ?? 0) >= 0);
}

test("thousands of power, size, move, place and destroy operations at the same time: nothing is overcommitted, lost or there twice", async () => {
  world = await World.start(HOSTS);
  const counts = new Map<string, number>();
  let made = 0;
  const vms = async (): Promise<readonly VirtualMachine[]> => (await world.machines.listVms({ pageSize: 1000, pageToken: "", onlyOwned: false })).virtualMachines;
  const operation = async (dice: Dice): Promise<string> => {
    const all = await vms();
    const vm = all.length === 0 ? undefined : dice.pick(all);
    const host = dice.int(2) === 0 ? undefined : hostKey(1 + dice.int(HOSTS));
    const reservation = 500 * dice.int(9);
    if (vm?.ref === undefined || (all.length < MAX_VMS && dice.int(4) === 0)) {
      made += 1;
      const uid = `uid-${made}`;
      if (dice.int(4) === 0) {
        await world.place(uid, {}, 256);
        await world.apply(uid);
        return "place";
      }
      const config = VirtualMachineConfigSpec.fromPartial({ name: `vm-${made}`, numCpus: 2, memoryMb: 512, cpuAllocation: { reservation: Math.min(reservation, 2 * HOST.coreMhz) } });
      await world.machines.createVm({ requestId: "", config, host, pool: undefined, powerOn: dice.int(2) === 0 });
      return "create";
    }
    const at = { requestId: "", vm: vm.ref };
    switch (dice.int(10)) {
      case 0:
      case 1:
        await world.machines.powerOnVm(at);
        return "power on";
      case 2: {
        const refs = all.filter(() => dice.int(4) === 0).flatMap(({ ref }) => ref ?? []);
        const answer = await world.machines.powerOnVms({ requestId: "", vms: refs, overrideAutomationLevel: false });
        return answer.attempted.length > 0 ? "power on many" : "power on none";
      }
      case 3:
        await world.machines.powerOffVm(at);
        return "power off";
      case 4:
        await world.machines.resetVm(at);
        return "reset";
      case 5:
        await world.machines.reconfigureVm({ ...at, name: undefined, numCpus: dice.int(4) === 0 ? 1 + dice.int(4) : undefined, memoryMb: undefined, cpuAllocation: { ...ResourceAllocationInfo.create(), reservation }, memoryAllocation: undefined });
        return "reconfigure";
      case 6:
      case 7:
      case 8: {
        const { task } = await world.machines.migrateVm({ ...at, host });
        if (dice.int(4) === 0) await world.tasks.cancelTask({ requestId: "", task });
        return "migrate";
      }
      default:
        await world.machines.destroyVm({ requestId: "", target: { $case: "vm", value: vm.ref }, powerOff: dice.int(2) === 0, uuid: "" });
        return "destroy";
    }
  };

  const dice = new Dice("busy machines");
  const workers = Array.from({ length: AT_A_TIME }, async (_, worker) => {
    const own = dice.fork(`worker ${worker}`);
    for (let count = 0; count < OPERATIONS / AT_A_TIME; count += 1) {
      const done = await operation(own).catch((error: unknown) => {
        if (!(error instanceof RpcError) || !REFUSALS.has(error.reason?.reason ?? "")) throw error;
        return "refused";
      });
      counts.set(done, (counts.get(done) ?? 0) + 1);
      if (worker === 0) await check();
    }
  });
  await Promise.all(workers);

  const tasks = await eventually("every task ends", async () => {
    const { tasks: all } = await world.tasks.listTasks({ pageSize: 1000, pageToken: "" });
    return all.every((task) => task.completeTime !== undefined) && all;
  });
  const failed = tasks.filter((task) => task.state === TaskState.ERROR && !task.cancelled && task.entity?.type === "VirtualMachine");
  assert.deepEqual(failed.map((task) => `${task.descriptionId}: ${task.error?.localizedMessage}`), [], "no host had to refuse what vCenter sent it");
  for (const kind of ["place", "create", "power on", "power on many", "power off", "reset", "reconfigure", "migrate", "destroy"]) assert.ok((counts.get(kind) ?? 0) >= 20, `${kind}: ${JSON.stringify([...counts])}`);

  await eventually("every VM is on the host its record names, and nowhere else", async () => {
    const recorded = (await vms()).map((vm) => `${vm.config?.instanceUuid} ${vm.hostName} ${vm.powerState} ${vm.config?.cpuAllocation?.reservation}`).toSorted();
    const there = world.esxi.vms.map((vm) => `${vm.config?.instanceUuid} ${vm.hostName} ${vm.powerState} ${vm.config?.cpuAllocation?.reservation}`).toSorted();
    assert.deepEqual(there, recorded);
    return true;
  });
  await check();
  const { hosts, virtualMachines, holds, resourcePools } = await world.inventory.getInventory({});
  assert.deepEqual(holds, []);
  const on = virtualMachines.filter((vm) => vm.powerState === VirtualMachinePowerState.POWERED_ON);
  assert.deepEqual(hosts.map((host) => host.usage?.reservedCpuMhz), [1, 2, 3].map((number) => sum(on.filter((vm) => vm.hostName === hostName(number)))));
  assert.equal(resourcePools[0]?.usage?.reservationUsedCpuMhz, sum(on));
  assert.deepEqual(hosts.map((host) => host.usage?.poweredOnVms), [1, 2, 3].map((number) => on.filter((vm) => vm.hostName === hostName(number)).length));
  assert.deepEqual(world.kv.keys("/spheresim/vcenter/tasks/"), []);

  // What a vCenter that starts reads is what the one before had.
  await world.stopVcenter();
  await world.startVcenter();
  await world.connected(HOSTS);
  const again = await world.inventory.getInventory({});
  // What the last pass of DRS found goes with vCenter, and whether there was one is a matter of time: one comes each minute.
  const kept = ({ usage }: Host) => [usage?.reservedCpuMhz, usage?.reservedMemoryMb, usage?.activeCpuMhz, usage?.activeMemoryMb, usage?.poweredOnVms];
  assert.deepEqual(again.hosts.map(kept), hosts.map(kept));
});
