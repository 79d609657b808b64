import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import type { Rule } from "../../src/gen/spheresim/vcenter/v1/rule.js";
import { AddRuleRequest, ListRulesRequest, PutGroupRequest, RemoveGroupRequest, RemoveRuleRequest, Rule as RuleMessage, UpdateRuleRequest } from "../../src/gen/spheresim/vcenter/v1/rule.js";
import type { ManagedObjectReference } from "../../src/gen/spheresim/vim/v1/managed_object.js";
import { VirtualMachineConfigSpec } from "../../src/gen/spheresim/vim/v1/virtual_machine.js";
import { RuleTable } from "../../src/vcenter/clusters/rule-table.js";
import { refusal } from "./refusal.js";
import { hostKey, World } from "./world.js";

let world: World;
afterEach(() => world.close());

/** An ordinary VM that runs on a host. */
async function machine(name: string, host: number, powerOn = true): Promise<ManagedObjectReference> {
  const config = VirtualMachineConfigSpec.fromPartial({ name, guestId: "otherGuest64", numCpus: 1, memoryMb: 256 });
  const task = await world.ended(await world.machines.createVm({ requestId: "", config, host: hostKey(host), pool: undefined, powerOn }));
  assert.ok(task.result, task.error?.localizedMessage);
  return task.result;
}

function apart(name: string, ...vms: readonly ManagedObjectReference[]): Rule {
  return RuleMessage.fromPartial({ name, rule: { $case: "antiAffinity", value: { vms: [...vms] } } });
}

function together(name: string, ...vms: readonly ManagedObjectReference[]): Rule {
  return RuleMessage.fromPartial({ name, rule: { $case: "affinity", value: { vms: [...vms] } } });
}

function onGroup(name: string, vmGroup: string, hostGroup: string, mandatory = true): Rule {
  return RuleMessage.fromPartial({ name, mandatory, rule: { $case: "vmHost", value: { vmGroup, hostGroup, affine: true } } });
}

const add = (rule: Rule | undefined): Promise<Rule> => world.rules.addRule(AddRuleRequest.fromPartial(rule === undefined ? {} : { rule }));
const list = async (vm?: ManagedObjectReference): Promise<readonly Rule[]> => (await world.rules.listRules(ListRulesRequest.fromPartial(vm === undefined ? {} : { vm }))).rules;
const vmGroup = (name: string, ...vms: readonly ManagedObjectReference[]) => world.rules.putGroup(PutGroupRequest.fromPartial({ group: { name, members: { $case: "vms", value: { vms: [...vms] } } } }));
const hostGroup = (name: string, ...hosts: readonly number[]) => world.rules.putGroup(PutGroupRequest.fromPartial({ group: { name, members: { $case: "hosts", value: { hosts: hosts.map(hostKey) } } } }));

async function reason(call: Promise<unknown>): Promise<string> {
  const refused = await refusal(call);
  return [refused.reason, ...refused.fields].join(" ");
}

test("a rule gets a key and a uuid, tells whether it is obeyed, and is there again after a restart", async () => {
  world = await World.start(2);
  const [one, two] = [await machine("one", 1), await machine("two", 1)];
  const made = await add(apart("apart", one, two));
  assert.deepEqual([made.key, made.enabled, made.inCompliance, made.disabledReason], [1, true, false, ""]);
  assert.match(made.ruleUuid, /^[0-9a-f-]{36}$/);
  await vmGroup("web", one);
  await hostGroup("first", 1);
  await add(onGroup("web on the first", "web", "first"));
  const before = await list();
  await world.stopVcenter();
  await world.startVcenter();
  assert.deepEqual(await list(), before);
  assert.deepEqual((await list(two)).map((rule) => rule.name), ["apart"]);
  assert.deepEqual((await list(one)).map((rule) => rule.name), ["apart", "web on the first"]);
  const groups = (await world.rules.listGroups({ cluster: undefined, pageSize: 0, pageToken: "" })).groups;
  assert.deepEqual(groups.map((group) => [group.name, group.members?.$case]), [["first", "hosts"], ["web", "vms"]]);
});

test("the older of two conflicting rules wins; when it goes, the newer counts", async () => {
  world = await World.start(2);
  const [one, two] = [await machine("one", 1), await machine("two", 1)];
  const older = await add(together("pair", one, two));
  const newer = await add(apart("apart", one, two));
  assert.deepEqual([newer.enabled, newer.disabledReason], [false, 'It conflicts with the older rule "pair" (key 1).']);
  const again = await world.rules.updateRule(UpdateRuleRequest.fromPartial({ rule: { ...newer, enabled: true } }));
  assert.equal(again.enabled, false, "enabling it does not help");
  await world.rules.removeRule(RemoveRuleRequest.fromPartial({ key: older.key }));
  assert.deepEqual((await list()).map((rule) => [rule.key, rule.enabled, rule.inCompliance]), [[2, true, false]]);
  assert.equal((await add(together("pair", one, two))).key, 3, "keys are not used twice");
});

test("a VM that is destroyed leaves its groups and rules", async () => {
  world = await World.start(1);
  const [one, two, three] = [await machine("one", 1), await machine("two", 1), await machine("three", 1, false)];
  await add(apart("apart", one, two, three));
  await vmGroup("web", three, one);
  await world.ended(await world.machines.destroyVm({ requestId: "", target: { $case: "vm", value: three }, powerOff: false, uuid: "" }));
  const [rule] = await list();
  assert.deepEqual(rule?.rule, { $case: "antiAffinity", value: { vms: [one, two] } });
  const [group] = (await world.rules.listGroups({ cluster: undefined, pageSize: 0, pageToken: "" })).groups;
  assert.deepEqual(group?.members, { $case: "vms", value: { vms: [one] } });
});

test("a host that is removed leaves its groups: rules that agreed on it alone conflict, and added again it is a stranger", async () => {
  world = await World.start(3);
  const vm = await machine("web", 1, false);
  await vmGroup("web", vm);
  await hostGroup("left", 1, 2);
  await hostGroup("right", 2, 3);
  await add(onGroup("to the left", "web", "left"));
  const newer = await add(onGroup("to the right", "web", "right"));
  assert.deepEqual([newer.enabled, newer.disabledReason], [true, ""], "host 2 obeys both");
  await world.inventory.removeHost({ requestId: "", host: hostKey(2) });
  const conflict = 'It conflicts with the older rule "to the left" (key 1).';
  assert.deepEqual((await list()).map((rule) => [rule.enabled, rule.disabledReason]), [[true, ""], [false, conflict]]);
  await world.addHost(2);
  await world.connected(3);
  const { groups } = await world.rules.listGroups({ cluster: undefined, pageSize: 0, pageToken: "" });
  assert.deepEqual(groups.map(({ members }) => (members?.$case === "hosts" ? members.value.hosts.length : "")), [1, 1, ""]);
  assert.deepEqual((await list()).map((rule) => rule.enabled), [true, false]);
  await world.stopVcenter();
  await world.startVcenter();
  assert.deepEqual((await list()).map((rule) => [rule.enabled, rule.disabledReason]), [[true, ""], [false, conflict]], "read anew");
});

test("who is gone takes no room in groups", () => {
  const there = new Set(["vm-1", "host-1", "host-2"]);
  const rules = new RuleTable((moid) => there.has(moid));
  rules.putGroup({ cluster: "domain-c1", name: "vms", kind: "vms", members: new Set(["vm-1", "vm-gone"]) });
  rules.putGroup({ cluster: "domain-c1", name: "hosts", kind: "hosts", members: new Set(["host-1", "host-2"]) });
  const told: string[] = [];
  rules.onChange = (cluster) => told.push(cluster);
  const members = (name: string): readonly string[] => [...(rules.group("domain-c1", name)?.members ?? [])];
  assert.deepEqual(members("vms"), ["vm-1"], "gone before it was read");
  for (const moid of ["host-1", "vm-1"]) {
    there.delete(moid);
    rules.gone(moid);
  }
  assert.deepEqual([members("vms"), members("hosts")], [[], ["host-2"]]);
  assert.deepEqual(told, ["domain-c1", "domain-c1"]);
  rules.gone("host-9");
  assert.equal(told.length, 2, "nobody's member");
});

test("what is wrong with a rule or a group is refused with its vim25 fault, and nothing changes", async () => {
  world = await World.start(2);
  const [one, two] = [await machine("one", 1), await machine("two", 1)];
  await vmGroup("web", one);
  await hostGroup("first", 1);
  const taken = await add(apart("apart", one, two));
  const other = await add(together("other", one, two));
  const before = await list();
  const missing = { type: "VirtualMachine", value: "vm-999" };
  const cases: readonly [string, () => Promise<unknown>][] = [
    ["InvalidArgument rule", () => add(undefined)],
    ["InvalidArgument rule.name", () => add(apart("", one, two))],
    ["InvalidArgument rule.key", () => add({ ...apart("x", one, two), key: 7 })],
    ["InvalidArgument rule.rule", () => add(RuleMessage.fromPartial({ name: "x" }))],
    ["InvalidArgument rule.anti_affinity.vms", () => add(apart("x", one))],
    ["InvalidArgument rule.affinity.vms[1]", () => add(together("x", one, one))],
    ["ManagedObjectNotFound", () => add(apart("x", one, missing))],
    ["DuplicateName", () => add(together("apart", one, two))],
    ["DuplicateName", () => world.rules.updateRule(UpdateRuleRequest.fromPartial({ rule: { ...other, name: "apart" } }))],
    ["InvalidArgument rule.vm_host.vm_group", () => add(onGroup("x", "nobody", "first"))],
    ["InvalidArgument rule.vm_host.vm_group", () => add(onGroup("x", "first", "first"))],
    ["InvalidArgument rule.vm_host.host_group", () => add(onGroup("x", "web", "nowhere"))],
    ["InvalidArgument rule.key", () => world.rules.updateRule(UpdateRuleRequest.fromPartial({ rule: { ...taken, key: 9 } }))],
    ["InvalidArgument key", () => world.rules.removeRule(RemoveRuleRequest.fromPartial({ key: 9 }))],
    ["ManagedObjectNotFound", () => world.rules.removeRule(RemoveRuleRequest.fromPartial({ key: 1, cluster: { type: "ClusterComputeResource", value: "domain-c99" } }))],
    ["InvalidArgument group", () => world.rules.putGroup(PutGroupRequest.fromPartial({}))],
    ["InvalidArgument group.members", () => world.rules.putGroup(PutGroupRequest.fromPartial({ group: { name: "x" } }))],
    ["InvalidArgument group.name", () => hostGroup("web", 1)],
    ["InvalidArgument group.hosts.hosts[0].name", () => hostGroup("x", 9)],
    ["InvalidArgument group.hosts.hosts[1]", () => hostGroup("x", 1, 1)],
    ["ManagedObjectNotFound", () => vmGroup("x", missing)],
    ["InvalidArgument name", () => world.rules.removeGroup(RemoveGroupRequest.fromPartial({ name: "nobody" }))],
  ];
  for (const [expected, call] of cases) assert.equal(await reason(call()), expected);
  assert.deepEqual(await list(), before);
  await add(onGroup("web on the first", "web", "first"));
  assert.equal(await reason(world.rules.removeGroup(RemoveGroupRequest.fromPartial({ name: "web" }))), "ResourceInUse");
});

test("a rule that is made after a restart has a uuid of its own", async () => {
  world = await World.start(1);
  const vms = [await machine("one", 1), await machine("two", 1)] as const;
  const before = await add(together("before", ...vms));
  await world.stopVcenter();
  await world.startVcenter();
  const after = await add(together("after", ...vms));
  assert.notEqual(after.ruleUuid, before.ruleUuid);
});

test("rules that conflict by a VM that is destroyed conflict no more, after a restart neither", async () => {
  world = await World.start(1);
  const [one, two, three] = [await machine("one", 1), await machine("two", 1), await machine("three", 1)];
  await add(together("older", one, two));
  const newer = await add(apart("newer", one, two, three));
  assert.deepEqual([newer.enabled, newer.disabledReason], [false, 'It conflicts with the older rule "older" (key 1).']);
  await world.ended(await world.machines.destroyVm({ requestId: "", target: { $case: "vm", value: two }, powerOff: true, uuid: "" }));
  const shown = async (): Promise<unknown> => (await list()).map((rule) => [rule.name, rule.enabled, rule.disabledReason]);
  const both = [["older", true, ""], ["newer", true, ""]];
  assert.deepEqual(await shown(), both);
  await world.stopVcenter();
  await world.startVcenter();
  assert.deepEqual(await shown(), both);
});
