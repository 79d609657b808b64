import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { ManualClock } from "../../src/base/clock.js";
import { RpcCode } from "../../src/base/rpc-error.js";
import { ReconfigureClusterRequest } from "../../src/gen/spheresim/vcenter/v1/cluster.js";
import { DrsBehavior } from "../../src/gen/spheresim/vcenter/v1/inventory.js";
import { type PlacementResult, PlacementSpec, PlaceVmRequest, VerdictDetail } from "../../src/gen/spheresim/vcenter/v1/placement.js";
import { ScaleSharesBehavior } from "../../src/gen/spheresim/vim/v1/resource.js";
import { TaskState } from "../../src/gen/spheresim/vim/v1/task.js";
import { VirtualMachineConfigSpec } from "../../src/gen/spheresim/vim/v1/virtual_machine.js";
import { refusal } from "./refusal.js";
import { HOST, hostKey, hostName, onHosts, podSpec, World } from "./world.js";

let world: World;
afterEach(() => world.close());

const target = (result: PlacementResult): string | undefined => result.recommendations[0]?.actions[0]?.targetHostName;

/** Puts the first host into quarantine, as its record says when vCenter starts. */
async function quarantineFirst(hosts: number): Promise<void> {
  const key = world.kv.keys("/spheresim/vcenter/hosts/")[0] ?? assert.fail();
  await world.stopVcenter();
  world.kv.map.set(key, JSON.stringify({ ...(JSON.parse(world.kv.map.get(key) ?? "") as object), inQuarantineMode: true }));
  await world.startVcenter();
  await world.connected(hosts);
}

/** An ordinary VM on a host. */
async function busyVm(name: string, host: number, cpuMhz: number, powerOn = true) {
  const config = VirtualMachineConfigSpec.fromPartial({ name, numCpus: 8, memoryMb: 4096, activity: { profile: { $case: "constant", value: { cpuMhz, memoryMb: 4000 } } } });
  const task = await world.ended(await world.machines.createVm({ requestId: "", config, host: hostKey(host), pool: undefined, powerOn }));
  return task.result ?? assert.fail(task.error?.localizedMessage);
}

/** Asks for a better host for a VM that exists. */
function move(vm: Awaited<ReturnType<typeof busyVm>>, ...hosts: readonly number[]) {
  return world.placement.placeVm(PlaceVmRequest.fromPartial({ spec: { vm, ...(hosts.length === 0 ? {} : { hosts: onHosts(...hosts) }) }, verdictDetail: VerdictDetail.FULL }));
}

test("a host in quarantine is chosen when no other will do, weakly, and the reason says so", async () => {
  world = await World.start(2);
  await quarantineFirst(2);
  const well = await world.place("uid-1");
  assert.equal(target(well), hostName(2));
  assert.ok((well.recommendations[0]?.rating ?? 0) > 1);
  assert.equal(well.verdicts[1]?.verdict?.$case === "fault" && well.verdicts[1].verdict.value.fault?.$case, "invalidState");
  await world.maintain(2);
  const last = await world.place("uid-2");
  assert.deepEqual([target(last), last.recommendations[0]?.rating], [hostName(1), 1]);
  assert.match(last.recommendations[0]?.reasonText ?? "", /in quarantine mode, used because no other host will do; 1 ruled out\.$/);
});

test("with FULL a host that is ruled out says all that would have to change; with SUMMARY nothing; max_verdicts cuts the list", async () => {
  world = await World.start(3);
  await world.deploy("uid-0", { hosts: onHosts(1) });
  await world.enterMaintenance(1);
  const config = { ...(podSpec("uid-1", {}, 15_500).config ?? assert.fail()), numCpus: 9 };
  const ask = (verdictDetail: VerdictDetail, maxVerdicts?: number) => world.placement.placeVm({ requestId: "", spec: podSpec("uid-1", { config }), holdFor: undefined, verdictDetail, maxVerdicts });
  const full = await ask(VerdictDetail.FULL);
  assert.deepEqual(full.verdicts.map((verdict) => verdict.hostName), [hostName(1), hostName(2), hostName(3)]);
  assert.deepEqual(full.verdicts[1]?.wouldFitIf, [`1 more logical CPUs on ${hostName(2)}, or at most 8 vCPUs`]);
  const [maintenance, cpus, ram] = full.verdicts[0]?.wouldFitIf ?? [];
  assert.deepEqual([maintenance, cpus], [`${hostName(1)} out of maintenance mode`, `1 more logical CPUs on ${hostName(1)}, or at most 8 vCPUs`]);
  const overhead = full.sized?.overheadMemoryMb ?? 0;
  const freeMb = HOST.memoryMb - ((await world.inventory.getInventory({})).hosts[0]?.usage?.reservedMemoryMb ?? 0);
  assert.equal(ram, `${15_500 + overhead - freeMb} MB more unreserved memory on ${hostName(1)}`);
  assert.match(full.drsFault?.fault?.localizedMessage ?? "", /3 looked at: 2 as: The host esxi-02\.spheresim\.test has 8 logical CPUs, .*; The host esxi-01\.spheresim\.test is in maintenance mode\.$/);
  assert.deepEqual((await ask(VerdictDetail.SUMMARY)).verdicts.map((verdict) => verdict.wouldFitIf), [[], [], []]);
  assert.deepEqual((await ask(VerdictDetail.FULL, 2)).verdicts.map((verdict) => verdict.hostName), [hostName(1), hostName(2)]);
  assert.deepEqual((await refusal(ask(VerdictDetail.FULL, 0))).fields, ["max_verdicts"]);
  const recorded = world.steps.findLast((step) => step.step === 4);
  assert.deepEqual(recorded?.hostVerdicts.map((verdict) => verdict.wouldFitIf.length), [3, 1, 1], "the journal has them whatever was asked for");
});

test("a pool that refuses says what it lacks of each resource, and each host what it lacks itself", async () => {
  world = await World.start(1);
  const limited = (limit: number) => ({ limit, shares: undefined });
  await world.pools.createResourcePool({ requestId: "", parent: undefined, name: "small", namespace: "small", config: { cpuAllocation: limited(100), memoryAllocation: limited(1000), scaleDescendantsShares: ScaleSharesBehavior.UNSPECIFIED } });
  const { drsFault, verdicts } = await world.place("uid-1", { namespace: "small" });
  const pool = ["400 MHz more unreserved CPU in pool small", "50 MB more unreserved memory in pool small"];
  assert.deepEqual(drsFault?.wouldFitIf, pool);
  assert.deepEqual(verdicts[0]?.wouldFitIf, pool);
  await world.placement.placeVm({ requestId: "", spec: podSpec("uid-1", { namespace: "small" }), holdFor: undefined, verdictDetail: VerdictDetail.NONE });
  assert.deepEqual(world.steps.findLast((step) => step.step === 4)?.wouldFitIf, pool, "the journal has it whatever was asked for");
  await world.maintain(1);
  assert.ok((await world.place("uid-1", { namespace: "small" })).verdicts[0]?.wouldFitIf.includes(`${hostName(1)} out of maintenance mode`));
});

test("an ordinary VM is sent where it gains, is not counted twice, and stays where it is best", async () => {
  world = await World.start(3);
  const busy = await busyVm("busy", 1, 9000);
  const other = await busyVm("other", 1, 6000);
  const result = await move(other);
  const [made] = result.recommendations;
  assert.notEqual(target(result), hostName(1));
  assert.deepEqual([made?.reason, made?.actions[0]?.vm?.value], ["xvmotionPlacement", other.value]);
  assert.match(made?.reasonText ?? "", new RegExp(`^Move other to .*, [\\d.]+ more than on ${hostName(1)}, `));
  await world.placement.cancelRecommendation({ requestId: "", key: made?.key ?? "", ownerUid: "" });
  const cpuUse = (of: PlacementResult, host: number): number | undefined => {
    const verdict = of.verdicts.find((each) => each.hostName === hostName(host))?.verdict;
    return verdict?.$case === "chosen" || verdict?.$case === "feasible" ? verdict.value.parts[0]?.raw : undefined;
  };
  assert.deepEqual([cpuUse(result, 1), cpuUse(result, 2)], [15_000, 6000]);
  // Alone on its host it is best off where it is: neither a recommendation nor a fault.
  const idle = await busyVm("idle", 2, 0);
  const stays = await move(idle, 1, 2);
  assert.deepEqual([stays.recommendations, stays.drsFault, stays.verdicts[0]?.hostName, stays.verdicts[0]?.verdict?.$case], [[], undefined, hostName(2), "chosen"]);
  // Where its host may not run it any more, it should go: strongly, and with the reason.
  await world.clusters.reconfigureCluster(ReconfigureClusterRequest.fromPartial({ drsConfig: { defaultVmBehavior: DrsBehavior.MANUAL } }));
  await world.enterMaintenance(1);
  const [leaves] = (await move(busy)).recommendations;
  assert.deepEqual([leaves?.reason, leaves?.rating], ["hostMaint", 5]);
});

test("a VM that moves is held on its new host alone: its pool and HA do not count it twice", async () => {
  world = await World.start(2);
  const config = VirtualMachineConfigSpec.fromPartial({ name: "large", numCpus: 1, memoryMb: 12_000, memoryAllocation: { reservation: 12_000 } });
  const task = await world.ended(await world.machines.createVm({ requestId: "", config, host: hostKey(1), pool: undefined, powerOn: true }));
  const pools = async () => (await world.pools.listResourcePools({ pageSize: 0, pageToken: "" })).resourcePools[0]?.usage?.reservationUsedMemoryMb;
  const before = await pools();
  assert.equal(target(await move(task.result ?? assert.fail(), 2)), hostName(2));
  const { hosts } = await world.inventory.getInventory({});
  assert.deepEqual(hosts.map((host) => host.usage?.reservedMemoryMb), [before, before]);
  assert.equal(await pools(), before);
});

test("bad input: what a move may not state, a pod, a VM that is not there, a second pod by a spec that names a VM", async () => {
  world = await World.start(2);
  const vm = await busyVm("busy", 1, 1000);
  await world.deploy("uid-1");
  const pod = (await world.machines.getVm({ target: { $case: "ownerUid", value: "uid-1" } })).ref;
  const { config } = podSpec("uid-2");
  const of = (spec: PlaceVmRequest["spec"]) => refusal(world.placement.placeVm({ requestId: "", spec, holdFor: undefined, verdictDetail: VerdictDetail.NONE })).then(({ reason, fields }) => `${reason} ${fields.join()}`.trim());
  const spec = PlaceVmRequest.fromPartial({ spec: { vm } }).spec ?? assert.fail();
  assert.equal(await of({ ...spec, config }), "InvalidArgument spec.config");
  assert.equal(await of({ ...spec, pool: { type: "ResourcePool", value: "resgroup-1" } }), "InvalidArgument spec.pool");
  assert.equal(await of({ ...spec, namespace: "x" }), "InvalidArgument spec.namespace");
  assert.equal(await of({ ...spec, ownerUid: "uid-1" }), "InvalidArgument spec.owner_uid");
  assert.equal(await of({ ...spec, hosts: onHosts(9) }), "InvalidArgument spec.hosts.hosts.hosts[0].name");
  assert.equal(await of({ ...spec, vm: { type: "VirtualMachine", value: "vm-999" } }), "ManagedObjectNotFound");
  assert.equal(await of({ ...spec, vm: pod }), "DrsDisabledOnVm");
  const apply = refusal(world.placement.applyRecommendation({ requestId: "", key: "", ownerUid: "", spec: { ...spec, hosts: onHosts(2) } }));
  assert.deepEqual((await apply).fields, ["spec.vm"]);
});

test("a recommendation is applied once: a second time it is unknown, or finds the VM that the first one made", async () => {
  world = await World.start(2);
  const [pod] = (await world.place("uid-1")).recommendations;
  const first = await world.apply("uid-1", pod?.key);
  const again = await world.apply("uid-1", pod?.key);
  assert.equal(again.task?.value, first.task?.value, "the owner's VM, not a second one");
  const config = VirtualMachineConfigSpec.fromPartial({ name: "plain", guestId: "otherGuest64", numCpus: 1, memoryMb: 1024 });
  const [plain] = (await world.placement.placeVm(PlaceVmRequest.fromPartial({ spec: { config } }))).recommendations;
  await world.apply("", plain?.key);
  assert.equal((await refusal(world.apply("", plain?.key))).reason, "RecommendationExpired");
  assert.equal((await world.machines.listVms({ pageSize: 0, pageToken: "", onlyOwned: false })).virtualMachines.length, 2);
});

test("a recommendation whose hold ran out makes one VM, not one each time; with its host gone it makes none", async () => {
  const monotonic = new ManualClock();
  world = await World.start(2, { monotonic });
  const config = VirtualMachineConfigSpec.fromPartial({ name: "web", guestId: "otherGuest64", numCpus: 1, memoryMb: 256 });
  const place = async (host: number): Promise<string> => {
    const spec = PlacementSpec.fromPartial({ config, hosts: onHosts(host) });
    const { recommendations } = await world.placement.placeVm({ requestId: "", spec, holdFor: undefined, verdictDetail: VerdictDetail.NONE });
    return recommendations[0]?.key ?? assert.fail("no recommendation");
  };
  const [stays, goes] = [await place(1), await place(2)];
  await monotonic.advance(30_000);
  assert.equal((await world.ended(await world.apply("", stays))).state, TaskState.SUCCESS);
  await world.inventory.removeHost({ requestId: "", host: hostKey(2) });
  for (const key of [stays, goes]) assert.equal((await refusal(world.apply("", key))).reason, "RecommendationExpired");
  assert.equal((await world.machines.listVms({ pageSize: 0, pageToken: "", onlyOwned: false })).virtualMachines.length, 1);
});

test("what is held for the move of a VM is free as soon as the VM is destroyed", async () => {
  world = await World.start(2);
  const vm = await busyVm("vm", 1, 8_000);
  assert.equal((await move(vm, 2)).recommendations.length, 1);
  assert.equal((await world.inventory.getInventory({})).holds.length, 1);
  await world.ended(await world.machines.destroyVm({ requestId: "", target: { $case: "vm", value: vm }, powerOff: true, uuid: "" }));
  assert.deepEqual((await world.inventory.getInventory({})).holds, []);
});

test("a batch that cannot be held as a whole holds nothing", async () => {
  world = await World.start(0);
  world.esxi.addHost(hostName(1), 16_000, 2_000_000);
  await world.addHost(1, { memoryMb: 2_000_000 });
  await world.connected(1);
  const config = VirtualMachineConfigSpec.fromPartial({ name: "plain", guestId: "otherGuest64", numCpus: 1, memoryMb: 4 });
  const place = (count: number) => world.placement.placeVms({ requestId: "", specs: Array.from({ length: count }, () => PlacementSpec.fromPartial({ config })), holdFor: undefined, verdictDetail: VerdictDetail.NONE });
  const held = async (): Promise<number> => (await world.inventory.getInventory({})).holds.length;
  for (let batch = 0; batch < 40; batch += 1) await place(batch === 39 ? 249 : 250);
  assert.equal(await held(), 9_999);
  assert.equal((await refusal(place(2))).code, RpcCode.RESOURCE_EXHAUSTED);
  assert.equal(await held(), 9_999);
  await place(1);
});
