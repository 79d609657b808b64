import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import type { VmUsage } from "../../src/gen/spheresim/vcenter/v1/drs.js";
import { DrsBehavior } from "../../src/gen/spheresim/vcenter/v1/inventory.js";
import { eventually } from "../support/eventually.js";
import { DrsWorld } from "./drs-world.js";
import { HOST, hostKey, hostName, onHosts } from "./world.js";

let drs: DrsWorld;
afterEach(() => drs.world.close());

test("a host that is in maintenance no more needs nothing moved: what was recommended for it is gone at once", async () => {
  drs = await DrsWorld.start(2, { behavior: DrsBehavior.MANUAL, threshold: 1 });
  await drs.busy("database", 1, 1000);
  const task = await drs.world.enterMaintenance(1);
  await eventually("it is recommended", async () => (await drs.recommended()).length > 0);
  await drs.world.tasks.cancelTask({ requestId: "", task: task.task });
  await eventually("it is recommended no more", async () => (await drs.recommended()).length === 0);
});

test("what is active of the VMs of a host is what the host counts, pods and contention included", async () => {
  drs = await DrsWorld.start(2, { enabled: false });
  for (const name of ["a", "b", "c"]) await drs.busy(name, 1, 7000);
  await drs.world.deploy("uid-1", { hosts: onHosts(1) });
  await drs.minute();
  const { hosts } = await drs.world.inventory.getInventory({});
  const usage = await drs.usage();
  const sum = (host: number, of: (vm: VmUsage) => number): number => usage.filter((vm) => vm.hostName === hostName(host)).reduce((total, vm) => total + of(vm), 0);
  const sums = [1, 2].map((host) => [sum(host, (vm) => vm.activeCpuMhz), sum(host, (vm) => vm.activeMemoryMb)]);
  assert.deepEqual(sums, hosts.map((host) => [host.usage?.activeCpuMhz ?? -1, host.usage?.activeMemoryMb ?? -1]));
  assert.ok((sums[0]?.[0] ?? 0) > HOST.cores * HOST.coreMhz, "more than it has");
});

test("a host put into quarantine is relieved at every threshold", async () => {
  drs = await DrsWorld.start(2, { threshold: 1 });
  await drs.busy("web", 1, 1000);
  await drs.world.inventory.setQuarantineMode({ requestId: "", host: hostKey(1), inQuarantineMode: true });
  await drs.minute();
  assert.deepEqual(await drs.moves(), ["web: 2*"]);
});
