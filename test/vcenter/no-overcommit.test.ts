import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { Dice } from "../../src/base/seeded-random.js";
import { ManualClock } from "../../src/base/clock.js";
import { VerdictDetail } from "../../src/gen/spheresim/vcenter/v1/placement.js";
import { TaskState } from "../../src/gen/spheresim/vim/v1/task.js";
import { RpcError } from "../../src/base/rpc-error.js";
import { ScaleSharesBehavior } from "../../src/gen/spheresim/vim/v1/resource.js";
import { eventually } from "../support/eventually.js";
import { HOST, hostKey, hostName, onHosts, podSpec, World } from "./world.js";

const HOSTS = 3;
const NAMESPACES = ["red", "blue", ""] as const;
const RED_LIMIT_MB = 9_000;
const OPERATIONS = 3_600;
const AT_A_TIME = 24;

let world: World;
afterEach(() => world.close());

test("thousands of random operations at the same time: no host and no pool is ever overcommitted, and at the end everything is free", async () => {
  const monotonic = new ManualClock();
  world = await World.start(HOSTS, { monotonic });
  const memoryAllocation = { limit: RED_LIMIT_MB, shares: undefined };
  await world.pools.createResourcePool({ requestId: "", parent: undefined, name: "red", namespace: "red", config: { cpuAllocation: undefined, memoryAllocation, scaleDescendantsShares: ScaleSharesBehavior.UNSPECIFIED } });
  await world.pools.createResourcePool({ requestId: "", parent: undefined, name: "blue", namespace: "blue", config: undefined });

  let placed = 0;
  let batched = 0;
  let unplaced = 0;
  let applied = 0;
  let refusedTasks = 0;
  let hostRefusals = 0;
  /** Out of maintenance mode, or back from the way there. */
  const open = async (host: number): Promise<void> => {
    const { hosts } = await world.inventory.listHosts({ pageSize: 0, pageToken: "" });
    const found = hosts.find((each) => each.spec?.name === hostName(host));
    const task = found?.evacuation?.task;
    if (task !== undefined) await world.tasks.cancelTask({ requestId: "", task });
    else if (found?.inMaintenanceMode === true) await world.inventory.exitMaintenanceMode({ requestId: "", host: hostKey(host) });
  };
  const operation = async (dice: Dice): Promise<void> => {
    const uid = `uid-${dice.int(60)}`;
    const namespace = dice.pick(NAMESPACES);
    const spec = { namespace, ...(dice.int(2) === 0 ? { hosts: onHosts(1 + dice.int(HOSTS)) } : {}) };
    const memoryMb = 256 * (1 + dice.int(16));
    switch (dice.int(12)) {
      case 0:
      case 1:
      case 2:
      case 3: {
        const result = await world.place(uid, spec, memoryMb);
        if (result.recommendations.length === 0) unplaced += 1;
        else placed += 1;
        break;
      }
      case 4:
      case 5: {
        const wanted = { requestId: "", key: "", ownerUid: uid, spec: dice.int(2) === 0 ? undefined : podSpec(uid, { ...spec, hosts: onHosts(1 + dice.int(HOSTS)) }, memoryMb) };
        const task = await world.placement.applyRecommendation(wanted);
        if (task.state === TaskState.ERROR) refusedTasks += 1;
        else applied += 1;
        break;
      }
      case 6:
        await world.placement.cancelRecommendation({ requestId: "", key: "", ownerUid: uid });
        break;
      case 7:
        await world.machines.destroyVm({ requestId: "", target: { $case: "ownerUid", value: uid }, powerOff: true, uuid: "" });
        break;
      case 8: {
        const specs = Array.from({ length: 2 + dice.int(6) }, () => podSpec(`uid-${dice.int(60)}`, spec, memoryMb));
        const { results } = await world.placement.placeVms({ requestId: "", specs, holdFor: undefined, verdictDetail: VerdictDetail.NONE });
        batched += results.filter((result) => result.recommendations.length > 0).length;
        break;
      }
      case 9: {
        const host = 1 + dice.int(HOSTS);
        if (dice.int(4) === 0) await world.enterMaintenance(host);
        else await open(host);
        break;
      }
      case 10:
        await world.inventory.setHostConnection({ requestId: "", host: hostKey(1 + dice.int(HOSTS)), connected: dice.int(5) > 0 });
        break;
      default:
        await monotonic.advance(dice.int(20_000));
    }
  };
  const check = async (): Promise<void> => {
    const inventory = await world.inventory.getInventory({});
    for (const host of inventory.hosts) {
      const { reservedCpuMhz = 0, reservedMemoryMb = 0 } = host.usage ?? {};
      assert.ok(reservedCpuMhz >= 0 && reservedCpuMhz <= HOST.cores * HOST.coreMhz, `${reservedCpuMhz} MHz on ${host.spec?.name}`);
      assert.ok(reservedMemoryMb >= 0 && reservedMemoryMb <= HOST.memoryMb, `${reservedMemoryMb} MB on ${host.spec?.name}`);
      const vms = inventory.virtualMachines.filter((vm) => vm.host?.value === host.ref?.value);
      const sumMb = vms.reduce((sum, vm) => sum + (vm.config?.memoryAllocation?.reservation ?? 0) + (vm.config?.overheadMemoryMb ?? 0), 0);
      assert.ok(sumMb <= reservedMemoryMb, "every VM on record is booked");
    }
    for (const pool of inventory.resourcePools) {
      const { reservationUsedMemoryMb = 0, unreservedMemoryMb = 0 } = pool.usage ?? {};
      assert.ok(unreservedMemoryMb >= 0);
      if (pool.name === "red") assert.ok(reservationUsedMemoryMb <= RED_LIMIT_MB, `${reservationUsedMemoryMb} MB in red`);
      if (pool.name === "Resources") assert.equal(reservationUsedMemoryMb, inventory.hosts.reduce((sum, host) => sum + (host.usage?.reservedMemoryMb ?? 0), 0));
    }
  };

  const dice = new Dice("no overcommit");
  const workers = Array.from({ length: AT_A_TIME }, async (_, worker) => {
    const own = dice.fork(`worker ${worker}`);
    for (let count = 0; count < OPERATIONS / AT_A_TIME; count += 1) {
      await operation(own).catch((error: unknown) => {
        const allowed = ["ManagedObjectNotFound", "TaskInProgress", "InvalidArgument", "InvalidState", "HostNotConnected", "HostNotReachable", "NotSupported"];
        if (!(error instanceof RpcError) || !allowed.includes(error.reason?.reason ?? "")) throw error;
      });
      if (worker === 0) await check();
    }
  });
  await Promise.all(workers);
  const tasks = await world.tasks.listTasks({ pageSize: 1000, pageToken: "" });
  hostRefusals = tasks.tasks.filter((task) => task.error?.fault?.$case === "insufficientHostMemoryCapacityFault" && task.entity?.type === "VirtualMachine").length;
  assert.equal(hostRefusals, 0, "no host had to refuse what vCenter sent it");
  assert.ok(placed > 200 && unplaced > 50 && applied > 100 && refusedTasks > 5 && batched > 100, `${placed} placed, ${batched} in batches, ${unplaced} not, ${applied} applied, ${refusedTasks} refused`);

  for (let host = 1; host <= HOSTS; host += 1) {
    await open(host);
    await world.inventory.setHostConnection({ requestId: "", host: hostKey(host), connected: true });
  }
  await monotonic.advance(300_000);
  await eventually("every VM is destroyed", async () => {
    await monotonic.advance(1_000);
    const { virtualMachines } = await world.machines.listVms({ pageSize: 1000, pageToken: "", onlyOwned: true });
    for (const vm of virtualMachines) await world.machines.destroyVm({ requestId: "", target: { $case: "vm", value: vm.ref ?? assert.fail() }, powerOff: true, uuid: "" }).catch(() => undefined);
    return virtualMachines.length === 0;
  });
  const { hosts, resourcePools } = await world.inventory.getInventory({});
  assert.deepEqual(hosts.map((host) => [host.spec?.name, host.usage?.reservedCpuMhz, host.usage?.reservedMemoryMb, host.usage?.poweredOnVms]), [1, 2, 3].map((number) => [hostName(number), 0, 0, 0]));
  assert.deepEqual(resourcePools.map((pool) => pool.usage?.reservationUsedMemoryMb), [0, 0, 0, 0]);
  assert.deepEqual(world.kv.keys("/spheresim/vcenter/owners/"), []);
  assert.equal(world.esxi.vms.length, 0);
});
