import assert from "node:assert/strict";
import { test } from "node:test";
import { type DrsRule, isObeyed } from "../../src/vcenter/drs/rules/rule.js";
import { violators } from "../../src/vcenter/clusters/rule-compliance.js";
import { fc } from "../support/properties.js";

const VMS = ["vm-1", "vm-2", "vm-3", "vm-4"];
const HOSTS = ["host-1", "host-2", "host-3"];

test("who violates: of VMs kept apart those that share a host, of VMs kept together all, of VMs tied to hosts those elsewhere", () => {
  const hosts: Readonly<Record<string, string>> = { "vm-1": "host-1", "vm-2": "host-1", "vm-3": "host-2" };
  const of = (rule: DrsRule): string[] => [...violators(rule, (vm) => hosts[vm])].toSorted();
  const vms = new Set(VMS);
  assert.deepEqual(of({ kind: "apart", key: 1, name: "", vms }), ["vm-1", "vm-2"]);
  assert.deepEqual(of({ kind: "together", key: 1, name: "", vms }), ["vm-1", "vm-2", "vm-3"]);
  assert.deepEqual(of({ kind: "vmHost", key: 1, name: "", vms, hosts: new Set(["host-1"]), affine: true, mandatory: true }), ["vm-3"]);
  assert.deepEqual(of({ kind: "vmHost", key: 1, name: "", vms, hosts: new Set(["host-1"]), affine: false, mandatory: true }), ["vm-1", "vm-2"]);
});

test("a rule is obeyed exactly when nobody violates it", () => {
  const subset = (of: string[]) => fc.subarray(of).map((chosen) => new Set(chosen));
  const rule: fc.Arbitrary<DrsRule> = fc.oneof(
    fc.record({ kind: fc.constantFrom("apart" as const, "together" as const), key: fc.constant(1), name: fc.constant(""), vms: subset(VMS) }),
    fc.record({ kind: fc.constant("vmHost" as const), key: fc.constant(1), name: fc.constant(""), vms: subset(VMS), hosts: subset(HOSTS), affine: fc.boolean(), mandatory: fc.boolean() }),
  );
  const places = fc.array(fc.option(fc.constantFrom(...HOSTS), { nil: undefined }), { minLength: VMS.length, maxLength: VMS.length });
  fc.assert(
    fc.property(rule, places, (each, hosts) => {
      const hostOf = (vm: string): string | undefined => hosts[VMS.indexOf(vm)];
      const obeyed = isObeyed(each, (vm) => [hostOf(vm)].flatMap((host) => host ?? []));
      assert.equal(violators(each, hostOf).size === 0, obeyed);
    }),
    { numRuns: 2000 },
  );
});
