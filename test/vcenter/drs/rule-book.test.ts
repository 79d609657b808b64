import assert from "node:assert/strict";
import { test } from "node:test";
import { vimName } from "../../../src/rpc/method-fault.js";
import { allowsHost, type DrsRule, isObeyed } from "../../../src/vcenter/drs/rules/rule.js";
import { RuleBook } from "../../../src/vcenter/drs/rules/rule-book.js";
import { VmRules } from "../../../src/vcenter/drs/rules/vm-rules.js";
import { fc } from "../../support/properties.js";

function between(key: number, kind: "together" | "apart", ...vms: readonly string[]): DrsRule {
  return { kind, key, name: `rule ${key}`, vms: new Set(vms) };
}

function vmHost(key: number, vms: readonly string[], hosts: readonly string[], how: { readonly affine?: boolean; readonly mandatory?: boolean } = {}): DrsRule {
  return { kind: "vmHost", key, name: `rule ${key}`, vms: new Set(vms), hosts: new Set(hosts), affine: how.affine ?? true, mandatory: how.mandatory ?? true };
}

function setAside(...rules: readonly DrsRule[]): (readonly [number, number])[] {
  const book = new RuleBook(rules);
  return rules.flatMap(({ key }) => {
    const older = book.conflictOf(key);
    return older === undefined ? [] : [[key, older.key] as const];
  });
}

test("of two rules that conflict the newer is set aside: the example of the rule book", () => {
  const one = between(1, "together", "vm-1", "vm-2");
  const two = between(2, "apart", "vm-2", "vm-3", "vm-1");
  const three = between(3, "together", "vm-2", "vm-3");
  assert.deepEqual(setAside(three, two, one), [[2, 1]]);
  assert.deepEqual(setAside(two, three), [[3, 2]], "without the first, the second counts");
  assert.deepEqual(new RuleBook([three, two, one]).inForce.map((rule) => rule.key), [1, 3]);
});

test("rules that tie a VM to hosts conflict when no host is left, and only then", () => {
  assert.deepEqual(setAside(vmHost(1, ["vm-1"], ["a", "b"]), vmHost(2, ["vm-1"], ["b", "c"])), []);
  assert.deepEqual(setAside(vmHost(1, ["vm-1"], ["a"]), vmHost(2, ["vm-1"], ["b"])), [[2, 1]]);
  assert.deepEqual(setAside(vmHost(1, ["vm-1"], ["a"]), vmHost(2, ["vm-2"], ["b"])), [], "they share no VM");
  assert.deepEqual(setAside(vmHost(1, ["vm-1"], ["a", "b"], { affine: false }), vmHost(2, ["vm-1"], ["b", "a"])), [[2, 1]]);
  assert.deepEqual(setAside(vmHost(1, ["vm-1"], ["a"], { affine: false }), vmHost(2, ["vm-1"], ["b"], { affine: false })), []);
  assert.deepEqual(setAside(between(1, "apart", "vm-1", "vm-2"), vmHost(2, ["vm-1", "vm-2"], ["a"])), [], "rules of two sorts are not compared, as in vSphere");
});

const VMS = ["vm-1", "vm-2", "vm-3"] as const;
const HOSTS = ["a", "b", "c"] as const;
const someVms = fc.uniqueArray(fc.constantFrom(...VMS), { minLength: 2 });
const someHosts = fc.uniqueArray(fc.constantFrom(...HOSTS), { minLength: 1 });
const someRule = fc.oneof(
  fc.record({ kind: fc.constantFrom("together" as const, "apart" as const), vms: someVms }).map(({ kind, vms }) => (key: number) => between(key, kind, ...vms)),
  fc.record({ vms: someVms, hosts: someHosts, affine: fc.boolean() }).map(({ vms, hosts, affine }) => (key: number) => vmHost(key, vms, hosts, { affine })),
);

/** Every way to put the VMs on the hosts. */
function* placements(): Generator<(vm: string) => readonly string[]> {
  for (const first of HOSTS) for (const second of HOSTS) for (const third of HOSTS) {
    const hosts: Readonly<Record<string, string>> = { "vm-1": first, "vm-2": second, "vm-3": third };
    yield (vm) => [hosts[vm] ?? ""];
  }
}

test("two rules of one sort conflict exactly when no placement obeys both", () => {
  // Three hosts are room enough to keep three VMs apart, so what cannot be obeyed cannot be obeyed because of the rules. A rule that keeps a
  // VM off all hosts is obeyed by no placement, with or without the other one.
  fc.assert(
    fc.property(someRule, someRule, (makeOne, makeTwo) => {
      const [one, two] = [makeOne(1), makeTwo(2)];
      if ((one.kind === "vmHost") !== (two.kind === "vmHost")) return;
      if ([one, two].some((rule) => rule.kind === "vmHost" && !HOSTS.some((host) => allowsHost(rule, host)))) return;
      if (one.kind === "vmHost" && two.kind === "vmHost" && !one.affine && !two.affine) return;
      const possible = [...placements()].some((hostsOf) => isObeyed(one, hostsOf) && isObeyed(two, hostsOf));
      assert.equal(new RuleBook([one, two]).conflictOf(2) === undefined, possible);
    }),
    { numRuns: 1_000 },
  );
});

test("a rule is never set aside by a newer one, nor by one that is itself set aside", () => {
  fc.assert(
    fc.property(fc.array(someRule, { maxLength: 12 }), (makers) => {
      const rules = makers.map((make, index) => make(index + 1));
      const book = new RuleBook(rules.toReversed());
      const inForce = new Set(book.inForce);
      for (const rule of rules) {
        const older = book.conflictOf(rule.key);
        assert.equal(inForce.has(rule), older === undefined);
        if (older !== undefined) assert.ok(older.key < rule.key && inForce.has(older));
      }
    }),
  );
});

test("what the rules mean for a VM: hosts it must not run on, each with its fault, and hosts it should run on", () => {
  const hostsOf = (vm: string): readonly string[] => ({ "vm-2": ["a"], "vm-3": ["b"], "vm-4": [] })[vm] ?? [];
  const verdicts = (...rules: readonly DrsRule[]): (string | undefined)[] => {
    const of = new VmRules("web", "vm-1", rules, hostsOf);
    return HOSTS.map((moid) => {
      const fault = of.verdict({ moid, name: `esxi-${moid}` });
      return fault === undefined ? undefined : vimName(fault.fault.$case);
    });
  };
  assert.deepEqual(verdicts(between(1, "apart", "vm-1", "vm-2", "vm-4")), ["RuleViolation", undefined, undefined]);
  assert.deepEqual(verdicts(between(1, "together", "vm-1", "vm-3")), ["RuleViolation", undefined, "RuleViolation"]);
  assert.deepEqual(verdicts(between(1, "together", "vm-1", "vm-2", "vm-3")), [undefined, undefined, "RuleViolation"], "not obeyed already: either host is as good");
  assert.deepEqual(verdicts(between(1, "together", "vm-1", "vm-4")), [undefined, undefined, undefined], "the other one is off");
  assert.deepEqual(verdicts(vmHost(1, ["vm-1"], ["a"])), [undefined, "VmHostAffinityRuleViolation", "VmHostAffinityRuleViolation"]);
  assert.deepEqual(verdicts(vmHost(1, ["vm-1"], ["a"], { affine: false })), ["VmHostAffinityRuleViolation", undefined, undefined]);
  assert.deepEqual(verdicts(vmHost(1, ["vm-1"], ["a"], { mandatory: false })), [undefined, undefined, undefined]);
  const should = new VmRules("web", "vm-1", [vmHost(1, ["vm-1"], ["a"], { mandatory: false })], hostsOf);
  assert.deepEqual([should.hasPreference, ...HOSTS.map((host) => should.isPreferred(host))], [true, true, false, false]);
});
