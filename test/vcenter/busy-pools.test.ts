import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { RpcError } from "../../src/base/rpc-error.js";
import { Dice } from "../../src/base/seeded-random.js";
import { ReconfigureClusterRequest } from "../../src/gen/spheresim/vcenter/v1/cluster.js";
import type { Inventory, ResourcePool, VirtualMachine } from "../../src/gen/spheresim/vcenter/v1/inventory.js";
import { CreateResourcePoolRequest, MoveIntoResourcePoolRequest, UpdateResourcePoolRequest } from "../../src/gen/spheresim/vcenter/v1/resource_pool.js";
import type { ManagedObjectReference } from "../../src/gen/spheresim/vim/v1/managed_object.js";
import { ResourceAllocationInfo } from "../../src/gen/spheresim/vim/v1/resource.js";
import { VirtualMachinePowerState } from "../../src/gen/spheresim/vim/v1/virtual_machine.js";
import { eventually } from "../support/eventually.js";
import { apartOf, unsettle, vmsThatAreOff } from "./unsteady-world.js";
import { HOST, hostKey, World } from "./world.js";

const HOSTS = 4;
const OPERATIONS = 2_400;
const AT_A_TIME = 16;
const VMS = 24;
const MAX_POOLS = 14;
/** Percent of the cluster that HA keeps unreserved. */
const KEPT = 20;
const CAPACITY_MHZ = HOST.cores * HOST.coreMhz;
/** What a call may be refused with when others are at work. */
const REFUSALS = new Set(["TaskInProgress", "InvalidPowerState", "ManagedObjectNotFound", "InvalidArgument", "NotSupported", "DuplicateName", "ResourceInUse", "NoCompatibleHost", "RuleViolation", "InsufficientHostCpuCapacityFault", "InsufficientCpuResourcesFault", "InsufficientFailoverResourcesFault"]);

let world: World;
afterEach(() => world.close());

const reservedBy = (vms: readonly VirtualMachine[]): number => vms.reduce((sum, vm) => sum + (vm.config?.cpuAllocation?.reservation ?? 0), 0);

/** A pool never has more reserved inside than its settings give, and at least what its children and VMs take. */
function checkPool({ ref, name, config, usage }: ResourcePool, { resourcePools }: Inventory, running: readonly VirtualMachine[]): void {
  const { reservation = 0, limit = -1, expandableReservation } = config?.cpuAllocation ?? {};
  const used = usage?.reservationUsedCpuMhz ?? 0;
  assert.ok(limit === -1 || used <= limit, `${name}: ${used} MHz over a limit of ${limit}`);
  assert.ok(expandableReservation !== false || used <= reservation, `${name}: ${used} MHz over its own ${reservation}`);
  const children = resourcePools.filter(({ parent }) => parent?.value === ref?.value);
  const taken = children.reduce((sum, child) => sum + Math.max(child.config?.cpuAllocation?.reservation ?? 0, child.usage?.reservationUsedCpuMhz ?? 0), 0);
  assert.ok(taken + reservedBy(running.filter(({ pool }) => pool?.value === ref?.value)) <= used, `${name}: all that runs is booked`);
}

async function check(apart: readonly ManagedObjectReference[]): Promise<void> {
  const inventory = await world.inventory.getInventory({});
  const running = inventory.virtualMachines.filter((vm) => vm.powerState === VirtualMachinePowerState.POWERED_ON);
  for (const { spec, usage } of inventory.hosts) assert.ok((usage?.reservedCpuMhz ?? 0) <= CAPACITY_MHZ, spec?.name);
  const [root, ...pools] = inventory.resourcePools;
  const used = root?.usage?.reservationUsedCpuMhz ?? 0;
  assert.ok(used <= HOSTS * CAPACITY_MHZ, `${used} MHz in the root`);
  for (const pool of pools) checkPool(pool, inventory, running);
  assert.ok(reservedBy(running) <= HOSTS * CAPACITY_MHZ * (1 - KEPT / 100), "HA has enough to fail over to");
  const hosts = running.filter(({ ref }) => apart.some(({ value }) => value === ref?.value)).map(({ hostName }) => hostName);
  assert.equal(new Set(hosts).size, hosts.length, "kept apart");
}

test("thousands of operations on pools and VMs at the same time, with a slow etcd and hosts that fail now and then: no pool exceeds its limit, HA keeps its part, the rule holds", async () => {
  world = await World.start(HOSTS);
  await world.clusters.reconfigureCluster(ReconfigureClusterRequest.fromPartial({ dasConfig: { enabled: true, admissionControlEnabled: true, cpuFailoverResourcesPercent: KEPT, memoryFailoverResourcesPercent: KEPT } }));
  const vms = await vmsThatAreOff(world, VMS, HOSTS);
  const apart = apartOf(vms);
  const dice = new Dice("busy pools");
  unsettle(world, dice.fork("chance"));

  const counts = new Map<string, number>();
  const allocation = (own: Dice): ResourceAllocationInfo => {
    const limit = own.int(3) === 0 ? 1_000 * (1 + own.int(20)) : -1;
    const reservation = 500 * own.int(12);
    return ResourceAllocationInfo.fromPartial({ reservation: limit === -1 ? reservation : Math.min(limit, reservation), limit, expandableReservation: own.int(3) > 0 });
  };
  const operation = async (own: Dice): Promise<string> => {
    const { resourcePools } = await world.pools.listResourcePools({ pageSize: 1_000, pageToken: "" });
    const [pool, other] = [own.pick(resourcePools).ref, own.pick(resourcePools).ref ?? assert.fail()];
    const vm = own.pick(vms);
    const at = { requestId: "", vm };
    switch (own.int(12)) {
      case 0:
      case 1:
        if (resourcePools.length >= MAX_POOLS) return "enough pools";
        await world.pools.createResourcePool(CreateResourcePoolRequest.fromPartial({ parent: pool ?? {}, name: `pool-${own.int(1_000)}`, config: { cpuAllocation: allocation(own) } }));
        return "create pool";
      case 2:
      case 3:
        await world.pools.updateResourcePool(UpdateResourcePoolRequest.fromPartial({ pool: pool ?? {}, config: { cpuAllocation: allocation(own) } }));
        return "update pool";
      case 4:
        await world.pools.moveIntoResourcePool(MoveIntoResourcePoolRequest.fromPartial({ pool: pool ?? {}, list: [other] }));
        return "move pool";
      case 5:
        if (own.int(3) > 0) return "keep pool";
        await world.pools.destroyResourcePool({ requestId: "", pool });
        return "destroy pool";
      case 6:
      case 7:
        await world.pools.moveIntoResourcePool(MoveIntoResourcePoolRequest.fromPartial({ pool: pool ?? {}, list: [vm] }));
        return "move VM";
      case 8:
        await world.machines.powerOnVm(at);
        return "power on";
      case 9:
        await world.machines.powerOffVm(at);
        return "power off";
      case 10:
        await world.machines.reconfigureVm({ ...at, name: undefined, numCpus: undefined, memoryMb: undefined, cpuAllocation: ResourceAllocationInfo.fromPartial({ reservation: 500 * own.int(8) }), memoryAllocation: undefined });
        return "reconfigure";
      default: {
        if (own.int(2) === 0) {
          await world.machines.powerOnVms({ requestId: "", vms: vms.filter(() => own.int(4) === 0), overrideAutomationLevel: true });
          return "power on many";
        }
        const { task } = await world.machines.migrateVm({ ...at, host: hostKey(1 + own.int(HOSTS)) });
        if (own.int(4) === 0) await world.tasks.cancelTask({ requestId: "", task });
        return "migrate";
      }
    }
  };
  const workers = Array.from({ length: AT_A_TIME }, async (_, worker) => {
    const own = dice.fork(`worker ${worker}`);
    for (let count = 0; count < OPERATIONS / AT_A_TIME; count += 1) {
      const done = await operation(own).catch((error: unknown) => {
        if (!(error instanceof RpcError) || !REFUSALS.has(error.reason?.reason ?? "")) throw error;
        return error.reason?.reason ?? "";
      });
      counts.set(done, (counts.get(done) ?? 0) + 1);
      if (worker === 0) await check(apart);
    }
  });
  await Promise.all(workers);
  for (const kind of ["create pool", "update pool", "move VM", "power on", "power off", "reconfigure", "migrate", "InsufficientCpuResourcesFault"]) assert.ok((counts.get(kind) ?? 0) >= 10, `${kind}: ${JSON.stringify([...counts])}`);

  world.kv.before = undefined;
  world.esxi.before = undefined;
  await eventually("every task ends", () => world.kv.keys("/spheresim/vcenter/tasks/").length === 0);
  const shown = (pools: readonly ResourcePool[]): unknown => pools.map(({ name, parent, config, usage }) => [name, parent, config, usage?.reservationUsedCpuMhz, usage?.unreservedCpuMhz]);
  const before = await eventually("nothing moves any more", async () => {
    await check(apart);
    const { resourcePools, virtualMachines } = await world.inventory.getInventory({});
    return virtualMachines.every(({ migration, reconfiguringTo }) => migration === undefined && reconfiguringTo === undefined) && resourcePools;
  });
  await world.stopVcenter();
  await world.startVcenter();
  await world.connected(HOSTS);
  assert.deepEqual(shown((await world.inventory.getInventory({})).resourcePools), shown(before), "what a vCenter that starts reads is what the one before had");
});
