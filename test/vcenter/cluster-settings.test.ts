import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { type DeepPartial, ReconfigureClusterRequest } from "../../src/gen/spheresim/vcenter/v1/cluster.js";
import { DrsBehavior } from "../../src/gen/spheresim/vcenter/v1/inventory.js";
import { ScaleSharesBehavior } from "../../src/gen/spheresim/vim/v1/resource.js";
import { refusal } from "./refusal.js";
import { World } from "./world.js";

let world: World;
afterEach(() => world.close());

const change = (request: DeepPartial<ReconfigureClusterRequest>) => world.clusters.reconfigureCluster(ReconfigureClusterRequest.fromPartial(request));

test("a new cluster is fully automated at the middle threshold; what is not named stays, also across a restart", async () => {
  world = await World.start(0);
  const [fresh] = (await world.inventory.getInventory({})).clusters;
  assert.deepEqual(fresh?.drsConfig, { enabled: true, defaultVmBehavior: DrsBehavior.FULLY_AUTOMATED, migrationThreshold: 3, consumedMemoryMetric: false });
  assert.equal(fresh.dasConfig?.admissionControlEnabled, false);
  const changed = await change({ drsConfig: { defaultVmBehavior: DrsBehavior.MANUAL }, scaleDescendantsShares: ScaleSharesBehavior.SCALE_CPU_AND_MEMORY_SHARES });
  assert.deepEqual(changed.drsConfig, { enabled: true, defaultVmBehavior: DrsBehavior.MANUAL, migrationThreshold: 3, consumedMemoryMetric: false });
  const again = await change({ dasConfig: { enabled: true, admissionControlEnabled: true, cpuFailoverResourcesPercent: 25, memoryFailoverResourcesPercent: 30 } });
  assert.deepEqual([again.drsConfig, again.scaleDescendantsShares], [changed.drsConfig, ScaleSharesBehavior.SCALE_CPU_AND_MEMORY_SHARES]);
  await world.stopVcenter();
  await world.startVcenter();
  assert.deepEqual((await world.inventory.getInventory({})).clusters, [again]);
});

test("settings out of range are refused by field", async () => {
  world = await World.start(0);
  const cases: readonly [string, Parameters<typeof change>[0]][] = [
    ["drs_config.migration_threshold", { drsConfig: { migrationThreshold: 6 } }],
    ["drs_config.migration_threshold", { drsConfig: { migrationThreshold: -1 } }],
    ["drs_config.default_vm_behavior", { drsConfig: { defaultVmBehavior: DrsBehavior.UNRECOGNIZED } }],
    ["das_config.cpu_failover_resources_percent", { dasConfig: { cpuFailoverResourcesPercent: 101 } }],
    ["das_config.memory_failover_resources_percent", { dasConfig: { memoryFailoverResourcesPercent: -1 } }],
  ];
  const before = await world.inventory.getInventory({});
  for (const [field, request] of cases) assert.deepEqual((await refusal(change(request))).fields, [field]);
  assert.equal((await refusal(change({ cluster: { type: "ClusterComputeResource", value: "domain-c99" } }))).reason, "ManagedObjectNotFound");
  assert.deepEqual(await world.inventory.getInventory({}), before);
});
