import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../src/base/clock.js";
import { Cluster, Datacenter, HostPowerState, HostSpec } from "../../src/gen/spheresim/vcenter/v1/inventory.js";
import { DerivedFigures } from "../../src/vcenter/inventory/derived-figures.js";
import { Inventory } from "../../src/vcenter/inventory/inventory.js";
import { showObject } from "../../src/vcenter/inventory/inventory-view.js";
import { moref } from "../../src/vcenter/inventory/moref.js";
import { completeConfig } from "../../src/vcenter/clusters/pool-allocation.js";

/** One host of 16,384 MB; expandable pools gold and silver below the root. */
function bench() {
  const inventory = new Inventory(1n, showObject, new ManualClock());
  const cluster = moref("ClusterComputeResource", "domain-c8");
  const config = completeConfig(undefined, "config");
  inventory.putDatacenter(Datacenter.create({ ref: moref("Datacenter", "datacenter-3"), name: "dc" }));
  inventory.putCluster(Cluster.create({ ref: cluster, name: "cluster", rootPool: moref("ResourcePool", "root") }), { moid: "root", name: "Resources", parent: undefined, config, namespace: "" });
  const spec = HostSpec.fromPartial({ name: "esxi-1", numCpuCores: 8, cpuMhz: 2000, memoryMb: 16_384 });
  inventory.putHost({ moid: "host-1", spec, cluster: cluster.value, address: "127.0.0.1:1", disconnected: false, inMaintenanceMode: false, inQuarantineMode: false, powerState: HostPowerState.POWERED_ON, responding: true });
  for (const name of ["gold", "silver"]) inventory.putPool({ moid: name, name, parent: "root", config, namespace: "" });
  const derived = new DerivedFigures(inventory);
  const told: string[] = [];
  inventory.feed.observe((key) => told.push(key));
  const look = (): string[] => {
    told.length = 0;
    derived.look();
    return [...told];
  };
  const take = (memoryMb: number): void => inventory.ledger.claim("vm-1", { host: "host-1", pool: "gold", reserved: { cpuMhz: 0, memoryMb }, active: { cpuMhz: 0, memoryMb: 0 }, demand: { cpuMhz: 0, memoryMb: 0 }, poweredOn: true });
  return { inventory, derived, look, take };
}

test("the example: what gold takes, silver can no longer reserve, and both are told; nothing is told twice", () => {
  const { look, take } = bench();
  take(1000);
  assert.deepEqual(look().toSorted(), ["gold", "root", "silver"]);
  assert.deepEqual(look(), []);
});

test("a pool that was read while its figures were others for a moment is told again", () => {
  const { inventory, derived, look, take } = bench();
  take(1000);
  derived.read("silver");
  inventory.ledger.release("vm-1");
  assert.deepEqual(look(), ["silver"]);
  assert.deepEqual(look(), []);
});

test("a host that leaves is told of every pool, and of the cluster once its status changes; what is gone is not read", () => {
  const { inventory, derived, look, take } = bench();
  take(1000);
  look();
  inventory.putHost({ ...inventory.host("host-1"), disconnected: true });
  assert.deepEqual(look().toSorted(), ["domain-c8", "gold", "root", "silver"]);
  inventory.removePool("silver");
  derived.read("silver");
  derived.read("vm-9");
  assert.ok(!look().includes("silver"));
});
