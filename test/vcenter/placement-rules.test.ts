import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { type PlacementResult, VerdictDetail } from "../../src/gen/spheresim/vcenter/v1/placement.js";
import { PutGroupRequest, Rule } from "../../src/gen/spheresim/vcenter/v1/rule.js";
import type { ManagedObjectReference } from "../../src/gen/spheresim/vim/v1/managed_object.js";
import { VirtualMachineConfigSpec } from "../../src/gen/spheresim/vim/v1/virtual_machine.js";
import { refusal } from "./refusal.js";
import { hostKey, hostName, World } from "./world.js";

let world: World;
afterEach(() => world.close());

async function machine(name: string, host: number, cpuMhz = 0): Promise<ManagedObjectReference> {
  const config = VirtualMachineConfigSpec.fromPartial({ name, guestId: "otherGuest64", numCpus: 8, memoryMb: 256, activity: { profile: { $case: "constant", value: { cpuMhz, memoryMb: 0 } } } });
  const task = await world.ended(await world.machines.createVm({ requestId: "", config, host: hostKey(host), pool: undefined, powerOn: true }));
  return task.result ?? assert.fail(task.error?.localizedMessage);
}

const hostGroup = (name: string, ...hosts: readonly number[]) => world.rules.putGroup(PutGroupRequest.fromPartial({ group: { name, members: { $case: "hosts", value: { hosts: hosts.map(hostKey) } } } }));
const tied = (mandatory: boolean): Rule => Rule.fromPartial({ name: "tied", mandatory, rule: { $case: "vmHost", value: { hostGroup: "first", affine: true } } });

/** The host that was chosen, and the fault and advice of each that was ruled out. */
function said({ recommendations, verdicts }: PlacementResult) {
  const out = verdicts.flatMap(({ hostName: name, verdict, wouldFitIf }) => (verdict?.$case === "fault" ? [[name, verdict.value.fault?.$case, ...wouldFitIf]] : []));
  return { chosen: recommendations[0]?.actions[0]?.targetHostName, out };
}

test("rules stated with a placement keep it off, or with, the VMs they name", async () => {
  world = await World.start(2);
  const other = await machine("other", 1);
  const apart = Rule.fromPartial({ name: "apart", rule: { $case: "antiAffinity", value: { vms: [other] } } });
  const together = Rule.fromPartial({ name: "together", rule: { $case: "affinity", value: { vms: [other] } } });
  assert.deepEqual(said(await world.place("uid-1", { rules: [apart] })), { chosen: hostName(2), out: [[hostName(1), "ruleViolation", `${hostName(1)} allowed by the rule "apart"`]] });
  assert.deepEqual(said(await world.place("uid-2", { rules: [together] })), { chosen: hostName(1), out: [[hostName(2), "ruleViolation", `${hostName(2)} allowed by the rule "together"`]] });
  const wrong = refusal(world.place("uid-3", { rules: [Rule.fromPartial({ name: "empty" })] }));
  assert.deepEqual((await wrong).fields, ["spec.rules[0].rule"]);
});

test("a must rule that leaves no host is NoCompatibleHardAffinityHost; a should rule gives way, and also to a host that is fully used", async () => {
  world = await World.start(2);
  await hostGroup("first", 1);
  await machine("busy", 1, 12_000);
  assert.equal(said(await world.place("uid-1")).chosen, hostName(2));
  assert.equal(said(await world.place("uid-1", { rules: [tied(false)] })).chosen, hostName(2), "an owner placed again keeps its host while that will do");
  assert.equal(said(await world.place("uid-2", { rules: [tied(false)] })).chosen, hostName(1), "the worse host, because it is preferred");
  await machine("busier", 1, 16_000);
  assert.equal(said(await world.place("uid-3", { rules: [tied(false)] })).chosen, hostName(2), "fully used");
  await world.enterMaintenance(1);
  const none = await world.place("uid-4", { rules: [tied(true)] });
  assert.deepEqual(said(none).out.map((each) => each[1]), ["invalidState", "vmHostAffinityRuleViolation"]);
  assert.deepEqual(none.drsFault?.fault?.fault, { $case: "noCompatibleHardAffinityHost", value: { vmName: "pod-uid-4" } });
});

test("a VM that exists follows the rules of its cluster when DRS looks for a better host", async () => {
  world = await World.start(3);
  const [one, two] = [await machine("one", 1, 9000), await machine("two", 2)];
  await machine("noise", 1, 9000);
  await world.rules.addRule({ requestId: "", cluster: undefined, rule: Rule.fromPartial({ name: "apart", rule: { $case: "antiAffinity", value: { vms: [one, two] } } }) });
  const moved = await world.placement.placeVm({ requestId: "", spec: { config: undefined, pool: undefined, hosts: undefined, ownerUid: "", namespace: "", rules: [], vm: one }, holdFor: undefined, verdictDetail: VerdictDetail.FULL });
  assert.deepEqual(said(moved), { chosen: hostName(3), out: [[hostName(2), "ruleViolation", `${hostName(2)} allowed by the rule "apart"`]] });
});
