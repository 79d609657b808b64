import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { deferred } from "../../src/base/deferred.js";
import { PlacementSpec, VerdictDetail } from "../../src/gen/spheresim/vcenter/v1/placement.js";
import { Rule } from "../../src/gen/spheresim/vcenter/v1/rule.js";
import type { ManagedObjectReference } from "../../src/gen/spheresim/vim/v1/managed_object.js";
import { type TaskInfo, TaskState } from "../../src/gen/spheresim/vim/v1/task.js";
import { VirtualMachineConfigSpec } from "../../src/gen/spheresim/vim/v1/virtual_machine.js";
import type { DrsRule } from "../../src/vcenter/drs/rules/rule.js";
import { VmRules } from "../../src/vcenter/drs/rules/vm-rules.js";
import { refusal } from "./refusal.js";
import { HOST, hostKey, onHosts, podSpec, World } from "./world.js";

let world: World;
afterEach(() => world.close());

/** An ordinary VM that reserves half a host once it runs. */
async function half(name: string, host: number, powerOn: boolean): Promise<ManagedObjectReference> {
  const config = VirtualMachineConfigSpec.fromPartial({ name, numCpus: 4, memoryMb: 1024, cpuAllocation: { reservation: (HOST.cores * HOST.coreMhz) / 2 } });
  const task = await world.ended(await world.machines.createVm({ requestId: "", config, host: hostKey(host), pool: undefined, powerOn }));
  return task.result ?? assert.fail(JSON.stringify(task.error));
}

/** An ordinary VM that runs and reserves nothing, but uses this much. */
async function busy(name: string, host: number, cpuMhz: number): Promise<ManagedObjectReference> {
  const config = VirtualMachineConfigSpec.fromPartial({ name, numCpus: 8, memoryMb: 256, activity: { profile: { $case: "constant", value: { cpuMhz, memoryMb: 0 } } } });
  const task = await world.ended(await world.machines.createVm({ requestId: "", config, host: hostKey(host), pool: undefined, powerOn: true }));
  return task.result ?? assert.fail(JSON.stringify(task.error));
}

const stated = (...vms: readonly ManagedObjectReference[]): Rule => Rule.fromPartial({ name: "apart", rule: { $case: "antiAffinity", value: { vms: [...vms] } } });
const keepApart = (...vms: readonly ManagedObjectReference[]): Promise<Rule> => world.rules.addRule({ requestId: "", cluster: undefined, rule: stated(...vms) });
const migrate = (vm: ManagedObjectReference, host: number): Promise<TaskInfo> => world.machines.migrateVm({ requestId: "", vm, host: hostKey(host) });
const isObeyed = async (): Promise<boolean | undefined> => (await world.rules.listRules({ cluster: undefined, vm: undefined, pageSize: 0, pageToken: "" })).rules[0]?.inCompliance;

test("of two VMs kept apart that are powered on together, the second sees where the first is going", async () => {
  world = await World.start(2);
  await half("full", 1, true);
  await half("full too", 1, true);
  const [one, two] = [await half("one", 1, false), await half("two", 1, false)];
  await keepApart(one, two);
  const answer = await world.machines.powerOnVms({ requestId: "", vms: [one, two], overrideAutomationLevel: false });
  assert.deepEqual(answer.attempted.map(({ vm }) => vm?.value), [one.value]);
  const [{ fault } = { fault: undefined }] = answer.notAttempted;
  assert.deepEqual(fault?.fault?.$case === "noCompatibleHost" && fault.fault.value.error.map((each) => each.fault?.$case), ["insufficientHostCpuCapacityFault", "ruleViolation"]);
  assert.equal((await world.ended(answer.task ?? assert.fail())).state, TaskState.SUCCESS);
  assert.equal(await isObeyed(), true);
});

test("a VM on its way counts for rules on both hosts, and breaks none where it only goes", async () => {
  world = await World.start(3);
  const [one, two] = [await half("one", 1, true), await half("two", 2, true)];
  await keepApart(one, two);
  const go = deferred<void>();
  world.esxi.before = (method) => (method === "receiveVm" ? go.promise : undefined);
  const moving = await migrate(one, 3);
  for (const host of [1, 3]) assert.equal((await refusal(migrate(two, host))).reason, "RuleViolation", `host ${host}`);
  assert.equal(await isObeyed(), true);
  go.resolve();
  assert.equal((await world.ended(moving)).state, TaskState.SUCCESS);
  assert.equal((await world.ended(await migrate(two, 1))).state, TaskState.SUCCESS, "nobody is there any more");
});

test("VMs kept together follow one that is on its way to where it goes, not to where it leaves", () => {
  const rule: DrsRule = { kind: "together", key: 1, name: "pair", vms: new Set(["vm-1", "vm-2"]) };
  const rules = new VmRules("two", "vm-2", [rule], () => ["host-1", "host-2"]);
  assert.deepEqual(["host-1", "host-2", "host-3"].map((host) => rules.allows(host)), [false, true, false]);
});

test("two moves that are held at the same time obey the rule between their VMs; asked again, a VM has one hold still", async () => {
  world = await World.start(3);
  const [one, two] = [await busy("one", 1, 5000), await busy("two", 2, 5000)];
  await busy("noise", 1, 11_000);
  await busy("noise too", 2, 11_000);
  await keepApart(one, two);
  const specs = [one, two].map((vm) => PlacementSpec.fromPartial({ vm }));
  for (const _ of ["at first", "again"]) {
    const { results } = await world.placement.placeVms({ requestId: "", specs, holdFor: undefined, verdictDetail: VerdictDetail.SUMMARY });
    assert.deepEqual(results.map(({ recommendations }) => recommendations[0]?.actions[0]?.targetHost?.value), ["host-23", undefined]);
    assert.equal((await world.inventory.getInventory({})).holds.length, 1);
  }
});

test("what was recommended is admitted anew with the rules stated for it", async () => {
  world = await World.start(2);
  const other = await busy("other", 1, 0);
  const spec = podSpec("uid-1", { hosts: onHosts(1), rules: [stated(other)] });
  const task = await world.placement.applyRecommendation({ requestId: "", key: "", ownerUid: "uid-1", spec });
  assert.equal(task.error?.fault?.$case, "ruleViolation");
});
