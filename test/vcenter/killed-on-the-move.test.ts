import assert from "node:assert/strict";
import { test } from "node:test";
import { RpcError } from "../../src/base/rpc-error.js";
import type { VirtualMachine } from "../../src/gen/spheresim/vcenter/v1/inventory.js";
import { ResourceAllocationInfo } from "../../src/gen/spheresim/vim/v1/resource.js";
import { TaskState } from "../../src/gen/spheresim/vim/v1/task.js";
import { VirtualMachineConfigSpec, VirtualMachinePowerState } from "../../src/gen/spheresim/vim/v1/virtual_machine.js";
import { eventually } from "../support/eventually.js";
import { MemoryKeyValue } from "./memory-key-value.js";
import { type Deed, type End, liveTwice } from "./two-lives.js";
import { hostKey, hostName, type World } from "./world.js";

const ON = VirtualMachinePowerState.POWERED_ON;
const OFF = VirtualMachinePowerState.POWERED_OFF;

async function database(world: World): Promise<VirtualMachine> {
  return (await world.inventory.getInventory({})).virtualMachines.find((each) => each.config?.name.startsWith("database")) ?? assert.fail("the database is gone");
}

/** The VM when nothing is under way with it: what the vCenter before began is taken up. */
function settled(world: World): Promise<VirtualMachine> {
  return eventually("nothing is under way", async () => {
    const { tasks } = await world.tasks.listTasks({ pageSize: 1000, pageToken: "" });
    return tasks.every((task) => task.completeTime !== undefined) && database(world);
  });
}

/** Does what is asked unless it is so already. */
function until(isSo: (vm: VirtualMachine) => boolean, ask: (world: World, vm: VirtualMachine) => Promise<{ readonly task?: unknown }>): Deed {
  return async (world, ended) => {
    const vm = await settled(world);
    if (isSo(vm)) return;
    const answer = await ask(world, vm);
    const task = await ended(answer as Awaited<ReturnType<World["machines"]["powerOnVm"]>>);
    // A task whose vCenter died is looked at by the next attempt.
    if (task.completeTime !== undefined) assert.equal(task.state, TaskState.SUCCESS, task.error?.localizedMessage);
  };
}

const DEEDS: readonly { readonly deed: Deed; readonly outcome: readonly [number, VirtualMachinePowerState, string, number] }[] = [
  {
    deed: until((vm) => vm.hostName === hostName(2), (world, vm) => world.machines.migrateVm({ requestId: "", vm: vm.ref, host: hostKey(2) })),
    outcome: [2, ON, "database", 1024],
  },
  {
    deed: until(
      (vm) => vm.config?.name === "database-2",
      (world, vm) => world.machines.reconfigureVm({ requestId: "", vm: vm.ref, name: "database-2", numCpus: undefined, memoryMb: undefined, cpuAllocation: undefined, memoryAllocation: { ...ResourceAllocationInfo.create(), reservation: 512 } }),
    ),
    outcome: [2, ON, "database-2", 512],
  },
  {
    deed: until((vm) => vm.powerState === OFF, (world, vm) => world.machines.powerOffVm({ requestId: "", vm: vm.ref })),
    outcome: [2, OFF, "database-2", 512],
  },
  {
    deed: until((vm) => vm.hostName === hostName(1), (world, vm) => world.machines.migrateVm({ requestId: "", vm: vm.ref, host: undefined })),
    outcome: [1, OFF, "database-2", 512],
  },
  {
    deed: async (world) => {
      await world.enterMaintenance(1).catch((error: unknown) => {
        if (!(error instanceof RpcError) || error.reason?.reason !== "InvalidState") throw error;
      });
      await eventually("host 1 is in maintenance mode", async () => (await world.inventory.getInventory({})).hosts[0]?.inMaintenanceMode === true);
    },
    outcome: [1, OFF, "database-2", 512],
  },
  {
    deed: until(
      (vm) => vm.powerState === ON,
      async (world, vm) => {
        const { task, notAttempted } = await world.machines.powerOnVms({ requestId: "", vms: [vm.ref ?? assert.fail()], overrideAutomationLevel: false });
        assert.deepEqual(notAttempted, []);
        return task ?? assert.fail();
      },
    ),
    outcome: [2, ON, "database-2", 512],
  },
  {
    deed: async (world, ended) => {
      const vm = await settled(world);
      await ended(await world.machines.resetVm({ requestId: "", vm: vm.ref }));
    },
    outcome: [2, ON, "database-2", 512],
  },
];

const DATABASE = VirtualMachineConfigSpec.fromPartial({ name: "database", numCpus: 2, memoryMb: 2048, memoryAllocation: { reservation: 1024 } });

function live(inner: MemoryKeyValue, end: End | undefined): Promise<number> {
  return liveTwice(inner, end, async (world, perform) => {
    await perform(async (again, ended) => {
      const task = await again.machines.createVm({ requestId: "database/1", config: DATABASE, host: hostKey(1), pool: undefined, powerOn: true });
      await ended(task);
    });
    for (const { deed, outcome } of DEEDS) {
      await perform(deed);
      const vm = await settled(world);
      const [host, power, name, reservedMb] = outcome;
      assert.deepEqual([vm.hostName, vm.powerState, vm.config?.name, vm.config?.memoryAllocation?.reservation, vm.migration, vm.reconfiguringTo], [hostName(host), power, name, reservedMb, undefined, undefined]);
      // One VM exists, where its record says, and both say the same of it.
      await eventually("one VM exists, as recorded", () => {
        const [there, ...more] = world.esxi.vms;
        return more.length === 0 && there?.hostName === vm.hostName && there.powerState === power && there.config?.name === name;
      });
      const { hosts, resourcePools } = await world.inventory.getInventory({});
      const claimedMb = power === ON ? reservedMb + (vm.config?.overheadMemoryMb ?? 0) : 0;
      assert.deepEqual(hosts.map((each) => each.usage?.reservedMemoryMb), [host === 1 ? claimedMb : 0, host === 2 ? claimedMb : 0]);
      assert.equal(resourcePools[0]?.usage?.reservationUsedMemoryMb, claimedMb);
    }
    assert.equal(world.esxi.vms[0]?.config?.instanceUuid, (await database(world)).config?.instanceUuid);
    assert.equal(new Set(world.esxi.calls.filter(({ method }) => method === "createVm").map(({ instanceUuid }) => instanceUuid)).size, 1);
    assert.deepEqual(inner.keys("/spheresim/vcenter/tasks/"), []);
  });
}

test("vCenter ends at each write of migrations, reconfigurations, power-ons and resets: one VM exists, the record is true, the ledger too", async () => {
  const writes = await live(new MemoryKeyValue(), undefined);
  assert.ok(writes >= 15, `${writes} writes`);
  for (let write = 1; write <= writes; write += 1) {
    for (const takesEffect of [false, true]) {
      await live(new MemoryKeyValue(), { write, takesEffect }).catch((error: unknown) => {
        throw new Error(`ended ${takesEffect ? "after" : "before"} write ${write} of ${writes}`, { cause: error });
      });
    }
  }
});

/** Every HostD call of a migration, and where the VM must be when the vCenter ended before or after it. */
test("vCenter ends at each call of HostD in a migration, before or after the host does it", async () => {
  for (const method of ["getVm", "receiveVm", "releaseVm"]) {
    for (const does of [false, true]) {
      const inner = new MemoryKeyValue();
      await liveTwice(inner, undefined, async (world, perform) => {
        await perform(async (again, ended) => void (await ended(await again.machines.createVm({ requestId: "", config: DATABASE, host: hostKey(1), pool: undefined, powerOn: true }))));
        const vm = await database(world);
        let reached: () => void = () => undefined;
        const hanging = new Promise<void>((resolve) => (reached = resolve));
        let hung = 0;
        world.esxi.before = (called) => {
          if (called !== method || hung > 0) return undefined;
          hung += 1;
          reached();
          if (does) return undefined;
          throw RpcError.unavailable("no answer");
        };
        const first = world.vcenter;
        await world.machines.migrateVm({ requestId: "", vm: vm.ref, host: hostKey(2) });
        await hanging;
        // The first vCenter is left as a crash leaves one: another one takes over while it still talks.
        await world.startVcenter(inner);
        await first.ended;
        await world.connected(2);
        const moved = await settled(world);
        world.esxi.before = undefined;
        await eventually(`one VM exists, as recorded (${method}, ${does})`, () => world.esxi.vms.length === 1 && world.esxi.vms[0]?.hostName === moved.hostName);
        assert.deepEqual([moved.powerState, moved.migration], [ON, undefined]);
        const { hosts } = await world.inventory.getInventory({});
        assert.equal(hosts.reduce((sum, host) => sum + (host.usage?.reservedMemoryMb ?? 0), 0), 1024 + (moved.config?.overheadMemoryMb ?? 0));
      });
    }
  }
});
