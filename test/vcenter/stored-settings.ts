import assert from "node:assert/strict";
import { ClusterDasConfig } from "../../src/gen/spheresim/vcenter/v1/inventory.js";
import type { World } from "./world.js";

/** Has HA keep so many percent of CPU and memory free, as the cluster's record says when vCenter starts. */
export async function keepForFailover(world: World, hosts: number, cpuPercent: number, memoryPercent: number): Promise<void> {
  const dasConfig = ClusterDasConfig.toJSON({ enabled: true, admissionControlEnabled: true, cpuFailoverResourcesPercent: cpuPercent, memoryFailoverResourcesPercent: memoryPercent });
  await withRecord(world, "/spheresim/vcenter/clusters/", 0, hosts, { dasConfig });
}

/** Puts a host into quarantine, as its record says when vCenter starts. `number` counts from 1. */
export async function quarantine(world: World, hosts: number, number: number): Promise<void> {
  await withRecord(world, "/spheresim/vcenter/hosts/", number - 1, hosts, { inQuarantineMode: true });
}

async function withRecord(world: World, prefix: string, index: number, hosts: number, change: object): Promise<void> {
  const key = world.kv.keys(prefix)[index] ?? assert.fail(`no record ${index} below ${prefix}`);
  await world.stopVcenter();
  world.kv.map.set(key, JSON.stringify({ ...(JSON.parse(world.kv.map.get(key) ?? "") as object), ...change }));
  await world.startVcenter();
  await world.connected(hosts);
}
