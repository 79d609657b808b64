import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { ReconfigureClusterRequest } from "../../src/gen/spheresim/vcenter/v1/cluster.js";
import { ManagedEntityStatus } from "../../src/gen/spheresim/vim/v1/managed_entity.js";
import { failoverShortages } from "../../src/vcenter/drs/failover.js";
import { HOST, hostKey, onHosts, podSpec, World } from "./world.js";
import { fc } from "../support/properties.js";

let world: World | undefined;
afterEach(async () => {
  await world?.close();
  world = undefined;
});

/** Has HA keep so many percent of the cluster's memory free. */
async function keepForFailover({ clusters }: World, memoryPercent: number): Promise<void> {
  const dasConfig = { enabled: true, admissionControlEnabled: true, cpuFailoverResourcesPercent: 0, memoryFailoverResourcesPercent: memoryPercent };
  await clusters.reconfigureCluster(ReconfigureClusterRequest.fromPartial({ dasConfig }));
}

const memory = (memoryMb: number) => ({ cpuMhz: 0, memoryMb });

test("the worked example: 25 % of two hosts of 16384 MB stay free", () => {
  const account = { capacity: memory(32_768), reserved: memory(24_000) };
  const reserve = { cpuMhz: 25, memoryMb: 25 };
  assert.deepEqual(failoverShortages(account, reserve, memory(500)), []);
  const [shortage] = failoverShortages(account, reserve, memory(600));
  assert.deepEqual([shortage?.resource, shortage?.excess, shortage?.leftPercent.toFixed(1)], ["memoryMb", 24, "24.9"]);
});

test("what HA admits leaves the percentage free; what it refuses would not", () => {
  const figure = fc.integer({ min: 0, max: 100_000 });
  fc.assert(
    fc.property(figure, figure, fc.integer({ min: 1, max: 100_000 }), fc.integer({ min: 0, max: 100 }), (capacity, reserved, wanted, percent) => {
      const refused = failoverShortages({ capacity: memory(capacity), reserved: memory(reserved) }, { cpuMhz: 0, memoryMb: percent }, memory(wanted)).length > 0;
      assert.equal(refused, capacity > 0 && 100 * (capacity - reserved - wanted) < percent * capacity);
    }),
  );
});

test("HA refuses before pool and hosts are asked, by reservations and overhead alone, with the figures; with FULL it says what would help", async () => {
  world = await World.start(2);
  await keepForFailover(world, 50);
  assert.equal((await world.place("uid-1", {}, 12_288)).recommendations.length, 1);
  const result = await world.place("uid-2", {}, 6144);
  assert.equal(result.recommendations.length, 0);
  const { drsFault } = result;
  assert.equal(drsFault?.fault?.fault?.$case, "insufficientFailoverResourcesFault");
  const overhead = { first: 110, second: 64 };
  const wanted = 6144 + overhead.second;
  const reserved = 12_288 + overhead.first;
  const left = ((100 * (2 * HOST.memoryMb - reserved - wanted)) / (2 * HOST.memoryMb)).toFixed(1);
  assert.equal(
    drsFault?.fault?.localizedMessage,
    `Insufficient resources to satisfy configured failover level for vSphere HA: ${left} % of the memory of supervisor-01 would stay unreserved, 50 % must (${reserved} of ${2 * HOST.memoryMb} MB are reserved, ${wanted} MB are asked for).`,
  );
  assert.deepEqual(drsFault?.wouldFitIf, [`${reserved + wanted - HOST.memoryMb} MB less memory reserved in supervisor-01, or a failover reserve of at most ${Math.floor(Number(left))} % instead of 50 %`]);
  assert.deepEqual(result.verdicts.map((verdict) => verdict.verdict?.$case === "fault" && verdict.verdict.value.fault?.$case), ["insufficientFailoverResourcesFault", "insufficientFailoverResourcesFault"]);
  assert.ok(result.verdicts.every(({ wouldFitIf }) => wouldFitIf.length >= 1));
});

test("the cluster is red as soon as HA has less to fail over to than it must keep, by the same account as admission", async () => {
  world = await World.start(2);
  const { inventory } = world;
  await keepForFailover(world, 50);
  await world.deploy("uid-1", { hosts: onHosts(1) });
  const status = async () => (await inventory.getInventory({})).clusters[0]?.overallStatus;
  assert.equal(await status(), ManagedEntityStatus.GREEN);
  // 1024 MB and some overhead are 7 % of the host that stays awake, and 4 % of both.
  await world.ended(await inventory.powerDownHostToStandBy({ requestId: "", host: hostKey(2), timeout: undefined }));
  assert.equal(await status(), ManagedEntityStatus.GREEN);
  await keepForFailover(world, 95);
  assert.equal((await world.place("uid-2", {}, 4)).drsFault?.fault?.fault?.$case, "insufficientFailoverResourcesFault");
  assert.equal(await status(), ManagedEntityStatus.RED);
  await inventory.powerUpHostFromStandBy({ requestId: "", host: hostKey(2) });
  assert.equal(await status(), ManagedEntityStatus.GREEN);
});

test("a host in maintenance gives HA nothing, and a VM is powered on by the same admission", async () => {
  world = await World.start(2);
  await keepForFailover(world, 50);
  await world.maintain(2);
  assert.equal((await world.place("uid-1", {}, 9216)).drsFault?.fault?.fault?.$case, "insufficientFailoverResourcesFault");
  await world.inventory.exitMaintenanceMode({ requestId: "", host: hostKey(2) });
  const placed = await world.place("uid-1", {}, 9216);
  assert.equal(placed.recommendations.length, 1);
  // Its hold dropped and the host gone again, what was recommended is admitted anew, and HA refuses it.
  await world.maintain(1);
  await world.placement.cancelRecommendation({ requestId: "", key: "", ownerUid: "uid-1" });
  const spec = podSpec("uid-1", { hosts: onHosts(2) }, 9216);
  const task = await world.placement.applyRecommendation({ requestId: "", key: "", ownerUid: "uid-1", spec });
  assert.equal(task.error?.fault?.$case, "insufficientFailoverResourcesFault");
});
