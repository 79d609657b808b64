import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { type Cluster, HostMemoryState, type HostUsage } from "../../src/gen/spheresim/vcenter/v1/inventory.js";
import type { ManagedObjectReference } from "../../src/gen/spheresim/vim/v1/managed_object.js";
import { ResourceAllocationInfo } from "../../src/gen/spheresim/vim/v1/resource.js";
import type { ActivityProfile } from "../../src/gen/spheresim/vim/v1/virtual_machine.js";
import { eventually } from "../support/eventually.js";
import { DrsWorld } from "./drs-world.js";
import { HOST } from "./world.js";

let drs: DrsWorld;
afterEach(() => drs.world.close());

const always = (cpuMhz: number, memoryMb: number): ActivityProfile => ({ profile: { $case: "constant", value: { cpuMhz, memoryMb } }, startTime: undefined });

/** A VM of so much memory that uses all of it. */
function full(name: string, memoryMb: number, reservation = 0): Promise<ManagedObjectReference> {
  return drs.busy(name, 1, 100, { memoryMb, activity: always(100, memoryMb), memoryAllocation: ResourceAllocationInfo.fromPartial({ reservation }) });
}

async function host(): Promise<HostUsage> {
  return (await drs.world.inventory.getInventory({})).hosts[0]?.usage ?? assert.fail();
}

async function cluster(): Promise<Cluster> {
  return (await drs.world.inventory.getInventory({})).clusters[0] ?? assert.fail();
}

test("a host that VMs fill goes from high to soft to hard, and VMs, their scores and the cluster's tell what that takes from them", async () => {
  drs = await DrsWorld.start(1);
  assert.deepEqual([(await host()).memoryState, (await cluster()).drsScore, (await cluster()).numVmsPerDrsScoreBucket], [HostMemoryState.UNSPECIFIED, undefined, []], "nothing is known before the first pass");
  await full("half", HOST.memoryMb / 2);
  await drs.minute();
  const high = await host();
  const [half] = await drs.usage();
  assert.deepEqual([high.memoryState, high.balloonedMemoryMb, high.swappedMemoryMb, high.freeMemoryMb], [HostMemoryState.HIGH, 0, 0, HOST.memoryMb - (half?.grantedMemoryMb ?? 0)]);
  assert.deepEqual([(await cluster()).drsScore, (await cluster()).numVmsPerDrsScoreBucket], [100, [0, 0, 0, 0, 1]]);

  await full("other", HOST.memoryMb / 2);
  await drs.minute();
  const soft = await host();
  const usage = await drs.usage();
  assert.deepEqual([soft.memoryState, soft.freeMemoryMb, soft.swappedMemoryMb], [HostMemoryState.SOFT, Math.round(0.06 * HOST.memoryMb), 0]);
  assert.ok(Math.abs(soft.balloonedMemoryMb - usage.reduce((sum, vm) => sum + vm.balloonedMemoryMb, 0)) <= 1 && soft.balloonedMemoryMb > 0);
  for (const vm of usage) assert.equal(vm.drsScore, Math.round((100 * vm.grantedMemoryMb) / vm.demandMemoryMb), "what it lacks is in its balloon");
  assert.ok(usage.every((vm) => vm.demandMemoryMb - vm.grantedMemoryMb === vm.balloonedMemoryMb && vm.drsScore < 100));
  const scores = usage.map((vm) => vm.drsScore);
  const { drsScore = -1 } = await cluster();
  assert.ok(drsScore >= Math.min(...scores) && drsScore <= Math.max(...scores));

  for (const name of ["a", "b", "c", "d"]) await full(name, HOST.memoryMb / 2);
  await drs.minute();
  const hard = await host();
  assert.deepEqual([hard.memoryState, hard.freeMemoryMb], [HostMemoryState.HARD, Math.round(0.04 * HOST.memoryMb)]);
  assert.ok(hard.swappedMemoryMb > 0);
  assert.deepEqual((await cluster()).numVmsPerDrsScoreBucket.reduce((sum, each) => sum + each, 0), 6);
  assert.ok(((await cluster()).drsScore ?? 100) < drsScore);
});

test("what is reserved is never taken back, and a host full of it is low", async () => {
  drs = await DrsWorld.start(1);
  const most = HOST.memoryMb - 252;
  await full("reserved", most, most);
  await drs.minute();
  const [vm] = await drs.usage();
  const { memoryState, balloonedMemoryMb, swappedMemoryMb, freeMemoryMb } = await host();
  assert.deepEqual([memoryState, balloonedMemoryMb, swappedMemoryMb, vm?.drsScore], [HostMemoryState.LOW, 0, 0, 100]);
  assert.ok(freeMemoryMb > 0 && freeMemoryMb < HOST.memoryMb / 100);
});

test("CPU that a VM waits for is its readiness, and the score what is left", async () => {
  drs = await DrsWorld.start(1);
  const capacity = HOST.cores * HOST.coreMhz;
  for (const name of ["a", "b"]) await drs.busy(name, 1, capacity);
  await drs.minute();
  assert.deepEqual((await drs.usage()).map((vm) => [vm.cpuReadinessPercent, vm.drsScore, vm.balloonedMemoryMb, vm.swappedMemoryMb]), [[50, 50, 0, 0], [50, 50, 0, 0]]);
  assert.deepEqual([(await cluster()).drsScore, (await cluster()).numVmsPerDrsScoreBucket], [50, [0, 0, 2, 0, 0]]);
});

test("who watches is told of a cluster when its score changes, and not when it stays", async () => {
  drs = await DrsWorld.start(2);
  await drs.busy("one", 1, 1000);
  await drs.minute();
  const stop = new AbortController();
  const scores: (number | undefined)[] = [];
  let synced = false;
  const watching = (async () => {
    for await (const { object } of drs.world.inventory.watchInventory({ resumeToken: "" }, { signal: stop.signal })) {
      if (synced && object?.$case === "cluster") scores.push(object.value.drsScore);
      if (object === undefined) synced = true;
    }
  })().catch(() => undefined);
  await eventually("the watch is in step", () => synced);
  await drs.minute();
  assert.deepEqual(scores, []);
  const [vm] = await drs.usage();
  await drs.world.ended(await drs.world.machines.powerOffVm({ requestId: "", vm: vm?.vm }));
  await drs.minute();
  await eventually("the cluster without VMs has none", () => scores.at(-1) === undefined && scores.length > 0);
  stop.abort();
  await watching;
});

test("a spike is the host's to take care of; DRS moves a VM when the average of the time it looks back on says so", async () => {
  drs = await DrsWorld.start(2, { threshold: 3 });
  const capacity = HOST.cores * HOST.coreMhz;
  // VMs of 8 GB: 40 minutes at threshold 3. Idle for an hour, then each as busy as the half of the host.
  const hour = { seconds: 3_600n, nanos: 0 };
  const spike: ActivityProfile = { profile: { $case: "trace", value: { samples: [{ offset: { seconds: 0n, nanos: 0 }, cpuMhz: 0, memoryMb: 100 }, { offset: hour, cpuMhz: capacity / 2, memoryMb: 100 }], repeatEvery: undefined } }, startTime: undefined };
  for (const name of ["a", "b"]) await drs.busy(name, 1, capacity / 2, { memoryMb: 8_192, activity: spike });
  const minutes = async (count: number): Promise<void> => {
    for (let minute = 0; minute < count; minute += 1) await drs.minute();
  };
  await minutes(61);
  assert.deepEqual((await drs.usage()).map((vm) => [vm.demandCpuMhz, vm.averageEntitledCpuMhz]), [1, 2].map(() => [capacity / 2, Math.round(capacity / 2 / 20)]), "two of 40 minutes were busy");
  await minutes(18);
  assert.deepEqual(await drs.moves(), [], "with 20 of 40 the host is at 50 % on average, which it may be");
  await minutes(1);
  assert.deepEqual(await drs.moves(), ["a: 2*"]);
});
