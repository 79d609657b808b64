import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { deferred } from "../../src/base/deferred.js";
import { DrsBehavior } from "../../src/gen/spheresim/vcenter/v1/inventory.js";
import { AddRuleRequest, PutGroupRequest, type Rule, Rule as RuleMessage } from "../../src/gen/spheresim/vcenter/v1/rule.js";
import type { ManagedObjectReference } from "../../src/gen/spheresim/vim/v1/managed_object.js";
import { type TaskInfo, TaskState } from "../../src/gen/spheresim/vim/v1/task.js";
import { ResourceAllocationInfo } from "../../src/gen/spheresim/vim/v1/resource.js";
import { eventually } from "../support/eventually.js";
import { DrsWorld, shown } from "./drs-world.js";
import { refusal } from "./refusal.js";
import { HOST, hostKey, hostName, onHosts } from "./world.js";

const { MANUAL, PARTIALLY_AUTOMATED } = DrsBehavior;

let drs: DrsWorld;
afterEach(() => drs.world.close());

const addRule = (rule: Partial<Rule>): Promise<Rule> => drs.world.rules.addRule(AddRuleRequest.fromPartial({ rule: RuleMessage.fromPartial(rule) }));

function apart(name: string, ...vms: readonly ManagedObjectReference[]): Promise<Rule> {
  return addRule({ name, rule: { $case: "antiAffinity", value: { vms: [...vms] } } });
}

/** Ties VMs to hosts. */
async function tie(name: string, mandatory: boolean, vms: readonly ManagedObjectReference[], hosts: readonly number[]): Promise<Rule> {
  await drs.world.rules.putGroup(PutGroupRequest.fromPartial({ group: { name: `${name}-vms`, members: { $case: "vms", value: { vms: [...vms] } } } }));
  await drs.world.rules.putGroup(PutGroupRequest.fromPartial({ group: { name: `${name}-hosts`, members: { $case: "hosts", value: { hosts: hosts.map(hostKey) } } } }));
  return addRule({ name, mandatory, rule: { $case: "vmHost", value: { vmGroup: `${name}-vms`, hostGroup: `${name}-hosts`, affine: true } } });
}

/** Four VMs that use 75 % of host 1 together. */
async function load(): Promise<ManagedObjectReference[]> {
  const vms: ManagedObjectReference[] = [];
  for (const name of ["web-1", "web-2", "web-3", "web-4"]) vms.push(await drs.busy(name, 1, 3000));
  return vms;
}

/** Two migrations that were applied by hand, under way until `go`. */
async function twoUnderWay() {
  drs = await DrsWorld.start(2, { behavior: MANUAL });
  await load();
  await drs.minute();
  const keys = (await drs.recommended()).map((each) => each.key);
  const go = deferred<void>();
  drs.world.esxi.before = (method) => (method === "receiveVm" ? go.promise : undefined);
  const task = await drs.world.drs.applyRecommendations({ requestId: "", keys });
  await eventually("both are under way", () => drs.world.esxi.count("receiveVm") === 2);
  return { keys, task, go };
}

test("a busy host is relieved after a minute, by vCenter itself and with DRS's own event; then nothing moves any more", async () => {
  drs = await DrsWorld.start(2);
  const [first] = await load();
  assert.deepEqual(await drs.moves(), []);
  await drs.minute();
  assert.deepEqual(await drs.moves(), ["web-1: 2*", "web-2: 2*"]);
  assert.deepEqual(await drs.recommended(), [], "what was carried out stands no more");
  const { events } = await drs.world.events.queryEvents({ filter: { entity: first, types: ["VmMigratedEvent"], beginTime: undefined, endTime: undefined, eventChainId: 0 }, pageSize: 0, pageToken: "" });
  assert.deepEqual(events.map((event) => event.type), ["DrsVmMigratedEvent"]);
  for (let minute = 0; minute < 5; minute += 1) await drs.minute();
  assert.equal((await drs.moves()).length, 2);
  assert.deepEqual(await drs.recommended(), []);
});

test("a vSphere Pod never moves, however loaded its host is", async () => {
  drs = await DrsWorld.start(2, { threshold: 5 });
  for (let pod = 1; pod <= 8; pod += 1) await drs.world.deploy(`uid-${pod}`, { hosts: onHosts(1) });
  await drs.busy("beside", 1, 100);
  await drs.minute();
  assert.deepEqual(await drs.moves(), ["beside: 2*"]);
});

test("each threshold level asks for its own difference", async () => {
  for (const [threshold, moves] of [[1, []], [2, []], [3, []], [4, ["small: 2*"]], [5, ["small: 2*"]]] as const) {
    drs = await DrsWorld.start(2, { threshold });
    // 62.5 % and 46.9 %: 16 points.
    await drs.busy("large", 1, 9000);
    await drs.busy("small", 1, 1000);
    await drs.busy("other", 2, 7500);
    await drs.minute();
    assert.deepEqual(await drs.moves(), moves, `threshold ${threshold}`);
    await drs.world.close();
  }
});

test("a cluster that does nothing, and one that is full everywhere, move nothing", async () => {
  drs = await DrsWorld.start(2, { threshold: 5 });
  for (let vm = 1; vm <= 6; vm += 1) await drs.busy(`idle-${vm}`, 1, 0, { activity: undefined });
  await drs.minute();
  assert.deepEqual([await drs.moves(), await drs.recommended()], [[], []]);
  for (const host of [1, 2]) await drs.busy(`full-${host}`, host, 16_000);
  await drs.minute();
  assert.deepEqual([await drs.moves(), await drs.recommended()], [[], []]);
});

test("manual and partially automated: recommendations with figures, applied by hand once, as children of one task", async () => {
  for (const behavior of [MANUAL, PARTIALLY_AUTOMATED]) {
    drs = await DrsWorld.start(2, { behavior });
    await load();
    await drs.minute();
    assert.deepEqual(await drs.moves(), []);
    const listed = await drs.recommended();
    assert.deepEqual(listed.map(shown), ["web-1: 1 -> 2 (4 fairnessCpuAvg)", "web-2: 1 -> 2 (4 fairnessCpuAvg)"]);
    assert.equal(
      listed[0]?.reasonText,
      `Balance CPU load: ${hostName(1)} is at 75.0 % (12,000 of 16,000 MHz), ${hostName(2)} at 0.0 % (0 of 16,000 MHz). Their loads, each of what the host uses most, differ by 75 points; threshold 3 tolerates 20. ` +
        `With web-1 (3,000 MHz and 286 MB entitled) moved: 56.3 % and 18.8 %.`,
    );
    const keys = listed.map((each) => each.key);
    const task = await drs.world.drs.applyRecommendations({ requestId: "apply", keys });
    assert.deepEqual([task.descriptionId, task.entity?.value, task.entityName], ["ClusterComputeResource.applyRecommendation", drs.world.cluster?.value, "supervisor-01"]);
    assert.equal((await drs.world.drs.applyRecommendations({ requestId: "apply", keys })).task?.value, task.task?.value, "the same request");
    for (const again of [[keys[0] ?? ""], ["no-such-key"], [keys[1] ?? "", "no-such-key"]]) {
      const refused = await refusal(drs.world.drs.applyRecommendations({ requestId: "", keys: again }));
      assert.equal(refused.reason, "RecommendationExpired");
    }
    assert.equal((await drs.world.ended(task)).state, TaskState.SUCCESS);
    assert.deepEqual(await drs.moves(), ["web-1: 2", "web-2: 2"]);
    const children = (await drs.tasks()).filter((each) => each.parentTaskKey === task.task?.value);
    assert.deepEqual(children.map((each) => [each.entityName, each.state]), [["web-1", TaskState.SUCCESS], ["web-2", TaskState.SUCCESS]]);
    assert.deepEqual(await drs.recommended(), [], "what was carried out stands no more");
    assert.deepEqual(drs.world.kv.keys("/spheresim/vcenter/tasks/"), []);
    await drs.world.close();
  }
});

test("a recommendation keeps its key as long as passes propose the same move, and expires when they do not, or when its VM is gone, off, or elsewhere", async () => {
  drs = await DrsWorld.start(3, { behavior: MANUAL });
  const [first, second, third] = await load();
  await drs.minute();
  const old = await drs.recommended();
  await drs.minute();
  const same = await drs.recommended();
  assert.deepEqual(same.map((each) => [each.key, shown(each)]), old.map((each) => [each.key, shown(each)]));
  assert.ok((same[0]?.time?.seconds ?? 0n) > (old[0]?.time?.seconds ?? 0n), "with the figures of the last pass");
  const expired = async (key: string | undefined): Promise<string | undefined> => (await refusal(drs.world.drs.applyRecommendations({ requestId: "", keys: [key ?? ""] }))).reason;
  await drs.set({ behavior: MANUAL, threshold: 1 });
  await drs.minute();
  assert.equal(await expired(old[0]?.key), "RecommendationExpired");
  await drs.set({ behavior: MANUAL });
  await drs.minute();
  const fresh = await drs.recommended();
  assert.deepEqual(fresh.map(shown), old.map(shown));
  assert.ok(fresh.every(({ key }) => old.every((each) => each.key !== key)), "what was not proposed in between is new");
  assert.deepEqual(fresh.map((each) => each.vm?.value), [first?.value, second?.value]);
  await drs.world.ended(await drs.world.machines.migrateVm({ requestId: "", vm: first, host: hostKey(3) }));
  await drs.world.ended(await drs.world.machines.powerOffVm({ requestId: "", vm: second }));
  assert.deepEqual(await drs.recommended(), []);
  for (const each of fresh) assert.equal(await expired(each.key), "RecommendationExpired");
  assert.equal(await drs.hostOf(third ?? assert.fail()), 1);
});

test("keys that are none, too many, or twice the same are InvalidArgument; refreshing while DRS is off is InvalidState", async () => {
  drs = await DrsWorld.start(2, { behavior: MANUAL });
  await load();
  const { recommendations, time } = await drs.world.drs.refreshRecommendations({ requestId: "", cluster: undefined });
  assert.equal(recommendations.length, 2);
  assert.equal(Number(time?.seconds) * 1000, drs.clock.nowMs());
  const key = recommendations[0]?.key ?? "";
  for (const [keys, field] of [[[], "keys"], [Array.from({ length: 257 }, (_, index) => String(index)), "keys"], [[key, key], "keys[1]"]] as const) {
    const refused = await refusal(drs.world.drs.applyRecommendations({ requestId: "", keys: [...keys] }));
    assert.deepEqual([refused.reason, refused.fields], ["InvalidArgument", [field]]);
  }
  await drs.set({ enabled: false });
  assert.equal((await refusal(drs.world.drs.refreshRecommendations({ requestId: "", cluster: undefined }))).reason, "InvalidState");
  assert.equal((await refusal(drs.world.drs.applyRecommendations({ requestId: "", keys: [key] }))).reason, "RecommendationExpired");
  const nowhere = { type: "ClusterComputeResource", value: "domain-c99", serverGuid: "" };
  const { drs: service, clusters } = drs.world;
  for (const call of [service.refreshRecommendations({ requestId: "", cluster: nowhere }), service.listRecommendations({ cluster: nowhere, pageSize: 0, pageToken: "" }), service.listVmUsage({ cluster: nowhere, pageSize: 0, pageToken: "" }), clusters.getResourceUsage({ cluster: nowhere })]) {
    assert.equal((await refusal(call)).reason, "ManagedObjectNotFound");
  }
});

test("DRS off: usage is worked out all the same, and nothing is recommended", async () => {
  drs = await DrsWorld.start(2, { enabled: false });
  await load();
  await drs.minute();
  assert.deepEqual([await drs.moves(), await drs.recommended()], [[], []]);
  assert.deepEqual((await drs.usage()).map((vm) => vm.demandCpuMhz), [3000, 3000, 3000, 3000]);
});

test("a rule that is violated is corrected before load is, at the lowest threshold too", async () => {
  drs = await DrsWorld.start(3, { behavior: MANUAL });
  const [first, second, third] = await load();
  await apart("never both", first ?? assert.fail(), second ?? assert.fail());
  await tie("licence", true, [third ?? assert.fail()], [3]);
  await drs.minute();
  const listed = (await drs.recommended()).map(shown);
  assert.deepEqual(listed.slice(0, 2), ["web-3: 1 -> 3 (5 vmHostHardAffinity)", "web-2: 1 -> 2 (5 antiAffin)"]);
  assert.ok(listed.slice(2).every((each) => each.includes("fairness")));
  await drs.set({ threshold: 1 });
  await drs.minute();
  assert.deepEqual(await drs.moves(), ["web-3: 3*", "web-2: 2*"]);
  const { rules } = await drs.world.rules.listRules({ cluster: undefined, vm: undefined, pageSize: 0, pageToken: "" });
  assert.ok(rules.every((rule) => rule.inCompliance));
});

test("a should rule is corrected too, and balance does not undo it", async () => {
  drs = await DrsWorld.start(2, { threshold: 5 });
  const vms = await load();
  await tie("near the data", false, vms.slice(0, 3), [2]);
  await drs.minute();
  assert.deepEqual((await drs.moves()).toSorted(), ["web-1: 2*", "web-2: 2*", "web-3: 2*"]);
  await drs.minute();
  assert.equal((await drs.moves()).length, 3);
});

test("maintenance in manual mode: the host waits, DRS recommends what would empty it, and a person applies it", async () => {
  drs = await DrsWorld.start(2, { behavior: MANUAL, threshold: 1 });
  const vm = await drs.busy("database", 1, 1000);
  const task = await drs.world.enterMaintenance(1);
  const listed = await eventually("it is recommended at once, before the minute is over", async () => {
    const all = await drs.recommended();
    return all.length > 0 && all;
  });
  assert.deepEqual(listed.map(shown), ["database: 1 -> 2 (5 hostMaint)"]);
  assert.match(listed[0]?.reasonText ?? "", /^esxi-01\.spheresim\.test must be empty for maintenance or standby\. database \(1,000 MHz and \d+ MB entitled\) fits on esxi-02/);
  await drs.world.drs.applyRecommendations({ requestId: "", keys: listed.map((each) => each.key) });
  assert.equal((await drs.world.ended(task)).state, TaskState.SUCCESS);
  assert.equal(await drs.hostOf(vm), 2);
});

test("VMs that a rule keeps together leave a host on its way into maintenance together", async () => {
  drs = await DrsWorld.start(3);
  const vms = [await drs.busy("front", 1, 1000), await drs.busy("back", 1, 1000)];
  await drs.busy("other", 2, 1500);
  await addRule({ name: "one host", rule: { $case: "affinity", value: { vms } } });
  const task = await drs.world.enterMaintenance(1);
  await drs.clock.advance(60_000);
  assert.equal((await drs.world.ended(task)).state, TaskState.SUCCESS);
  assert.deepEqual(await Promise.all(vms.map((vm) => drs.hostOf(vm))), [3, 3]);
});

test("what can no longer be done is dropped: the target has no room by then, and the task of a person says so", async () => {
  drs = await DrsWorld.start(2, { behavior: MANUAL });
  const reservation = (mhz: number): ResourceAllocationInfo => ResourceAllocationInfo.fromPartial({ reservation: mhz });
  await drs.busy("large", 1, 6000, { cpuAllocation: reservation(6000) });
  await drs.busy("other", 1, 6000, { cpuAllocation: reservation(6000) });
  await drs.minute();
  const [only] = await drs.recommended();
  assert.ok(only !== undefined);
  await drs.busy("newcomer", 2, 0, { cpuAllocation: reservation(HOST.cores * HOST.coreMhz - 1000), numCpus: 8 });
  const ended = await drs.world.ended(await drs.world.drs.applyRecommendations({ requestId: "", keys: [only.key] }));
  assert.deepEqual([ended.state, ended.error?.fault?.$case], [TaskState.ERROR, "insufficientHostCpuCapacityFault"]);
  assert.deepEqual(await drs.moves(), []);
  assert.equal((await refusal(drs.world.drs.applyRecommendations({ requestId: "", keys: [only.key] }))).reason, "RecommendationExpired");
});

test("usage of VMs, hosts, pools and the cluster after a pass; who watches hears only of what changed", async () => {
  drs = await DrsWorld.start(2);
  await drs.busy("web", 1, 3000, { memoryMb: 2048 });
  const off = await drs.busy("off", 1, 500);
  await drs.world.ended(await drs.world.machines.powerOffVm({ requestId: "", vm: off }));
  await drs.minute();
  const [web, ...rest] = await drs.usage();
  assert.deepEqual(rest, []);
  // 256 active, as much consumed, and the overhead of 2 vCPUs and 2,048 MB.
  const overhead = (await drs.world.inventory.getInventory({})).virtualMachines[0]?.config?.overheadMemoryMb ?? 0;
  assert.deepEqual(
    [web?.vmName, web?.hostName, web?.demandCpuMhz, web?.entitledCpuMhz, web?.grantedCpuMhz, web?.demandMemoryMb, web?.grantedMemoryMb, web?.activeMemoryMb, web?.consumedMemoryMb, web?.drsScore],
    ["web", hostName(1), 3000, 3000, 3000, 256 + overhead, 256 + overhead, 256, 256, 100],
  );
  const { hosts, resourcePools } = await drs.world.inventory.getInventory({});
  assert.deepEqual(hosts.map(({ usage }) => [usage?.demandCpuMhz, usage?.entitledCpuMhz, usage?.demandMemoryMb]), [[3000, 3000, 256 + overhead], [0, 0, 0]]);
  assert.deepEqual([resourcePools[0]?.usage?.entitledCpuMhz, resourcePools[0]?.usage?.entitledMemoryMb], [3000, 256 + overhead]);
  const usage = await drs.world.clusters.getResourceUsage({ cluster: undefined });
  const total = BigInt(2 * HOST.cores * HOST.coreMhz);
  assert.deepEqual([usage.totalCpuCapacityMhz, usage.cpuDemandMhz, usage.cpuEntitledMhz, usage.totalVmCount, usage.poweredOffVmCount, usage.statsGenNumber], [total, 3000n, 3000n, 2, 1, 2n], "one pass that only looked, for whoever asked before the first, and one at the minute");
  const stop = new AbortController();
  const told: (string | undefined)[] = [];
  let synced = false;
  const watching = (async () => {
    for await (const update of drs.world.inventory.watchInventory({ resumeToken: "" }, { signal: stop.signal })) {
      if (synced) told.push(update.object?.$case);
      if (update.object === undefined) synced = true;
    }
  })().catch(() => undefined);
  await eventually("the watch is in step", () => synced);
  await drs.minute();
  await drs.minute();
  // Sums of pools and the health of the cluster follow the power-off on their own time.
  assert.deepEqual(told.filter((kind) => kind === "host" || kind === "virtualMachine"), []);
  stop.abort();
  await watching;
});

test("usage is listed by moid in pages of one pass, whatever passes come meanwhile", async () => {
  drs = await DrsWorld.start(2);
  for (const name of ["c", "a", "b"]) await drs.busy(name, 1, 1000);
  await drs.minute();
  const first = await drs.world.drs.listVmUsage({ cluster: undefined, pageSize: 2, pageToken: "" });
  assert.deepEqual(first.vms.map((vm) => vm.vmName), ["c", "a"]);
  await drs.world.ended(await drs.world.machines.powerOffVm({ requestId: "", vm: first.vms[0]?.vm }));
  await drs.minute();
  const second = await drs.world.drs.listVmUsage({ cluster: undefined, pageSize: 2, pageToken: first.nextPageToken });
  assert.deepEqual([second.vms.map((vm) => vm.vmName), second.nextPageToken], [["b"], ""]);
  assert.deepEqual((await drs.usage()).map((vm) => vm.vmName), ["a", "b"]);
  assert.equal((await refusal(drs.world.drs.listVmUsage({ cluster: undefined, pageSize: -1, pageToken: "" }))).reason, "InvalidArgument");
});

test("the task above migrations that were applied by hand ends with the last of them, after a restart of vCenter too, and with the first fault of one", async () => {
  const { keys, task, go } = await twoUnderWay();
  const under = await drs.recommended();
  assert.deepEqual([under.map((each) => each.key), under.every((each) => each.task !== undefined)], [keys, true], "what is being carried out stands, with its task");
  await drs.world.stopVcenter();
  await drs.world.startVcenter();
  await drs.world.connected(2);
  assert.equal((await drs.world.tasks.getTask({ task: task.task })).completeTime, undefined);
  const [child] = (await drs.tasks()).filter((each) => each.parentTaskKey === task.task?.value);
  await drs.world.tasks.cancelTask({ requestId: "", task: child?.task });
  go.resolve();
  const ended = await drs.world.ended(task);
  assert.deepEqual([ended.state, ended.error?.fault?.$case], [TaskState.ERROR, "requestCanceled"]);
  assert.deepEqual((await drs.tasks()).filter((each) => each.parentTaskKey === task.task?.value).map((each) => each.state), [TaskState.ERROR, TaskState.SUCCESS]);
});

for (const end of ["stopped", "killed"] as const) {
  test(`the fault of a migration that failed before vCenter was ${end} is that of the task above it, though the other one ends well in the next life`, async () => {
    const { task, go } = await twoUnderWay();
    const children = async (): Promise<readonly TaskInfo[]> => (await drs.tasks()).filter((each) => each.parentTaskKey === task.task?.value);
    const [first] = await children();
    await drs.world.tasks.cancelTask({ requestId: "", task: first?.task });
    assert.equal((await drs.world.ended(first ?? assert.fail())).state, TaskState.ERROR);
    const record = `/spheresim/vcenter/tasks/${task.task?.value}`;
    await eventually("the fault is on record", () => drs.world.kv.map.get(record)?.includes("requestCanceled") === true);
    assert.equal((await drs.world.tasks.getTask({ task: task.task })).completeTime, undefined, "the other one is under way");
    if (end === "stopped") await drs.world.stopVcenter();
    await drs.world.startVcenter();
    await drs.world.connected(2);
    const resumed = await drs.world.tasks.getTask({ task: task.task });
    assert.deepEqual([resumed.state, resumed.error, resumed.completeTime], [TaskState.RUNNING, undefined, undefined]);
    go.resolve();
    const ended = await drs.world.ended(task);
    assert.deepEqual([ended.state, ended.error?.fault?.$case, ended.error?.localizedMessage], [TaskState.ERROR, "requestCanceled", "The task was canceled by a user."]);
    assert.equal((await children()).find((each) => each.task?.value !== first?.task?.value)?.state, TaskState.SUCCESS);
    assert.equal(drs.world.kv.map.get(record), undefined);
  });
}

test("a vCenter that is killed while DRS moves a VM: the next one goes on with that, and nothing moves twice", async () => {
  drs = await DrsWorld.start(2);
  const vms = await load();
  const go = deferred<void>();
  let holds = true;
  drs.world.esxi.before = (method) => (method === "receiveVm" && holds ? go.promise : undefined);
  await drs.clock.advance(60_000);
  await eventually("two are on their way", () => drs.world.esxi.count("receiveVm") === 2);
  await drs.world.stopVcenter();
  holds = false;
  go.resolve();
  await drs.world.startVcenter();
  await drs.world.connected(2);
  await drs.quiet();
  for (let minute = 0; minute < 3; minute += 1) await drs.minute();
  assert.deepEqual(await Promise.all(vms.map((vm) => drs.hostOf(vm))), [2, 2, 1, 1]);
  const received = drs.world.esxi.calls.filter((call) => call.method === "receiveVm");
  assert.deepEqual([new Set(received.map((call) => call.instanceUuid)).size, new Set(received.map((call) => call.host)).size], [2, 1]);
  assert.equal(drs.world.esxi.vms.length, 4);
});
