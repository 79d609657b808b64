import assert from "node:assert/strict";
import { test } from "node:test";
import { vimName } from "../../../src/rpc/method-fault.js";
import type { RulesOfVm } from "../../../src/vcenter/drs/rules-of-vm.js";
import { VmToPlace } from "../../../src/vcenter/drs/vm-to-place.js";
import type { VmShape } from "../../../src/vcenter/drs/vm-shape.js";
import { golden } from "./golden-test.js";
import { admissionOrder } from "./goldens.js";
import { type BookedHost, surveyOf, wellHost } from "./host-rows.js";

const good: BookedHost = { ...wellHost, datastores: ["ds1"], networks: ["net1"], reserved: { cpuMhz: 4000, memoryMb: 4096 } };
const vm: VmShape = { isPod: true, numCpus: 1, memoryMb: 1024, reserved: { cpuMhz: 1000, memoryMb: 1050 }, overheadMemoryMb: 26, activity: undefined, datastores: ["ds1"], networks: ["net1"] };

/** The fault of the only host and what would help it; undefined for a host that would do. */
function ruledOut(vmChange: Partial<VmShape>, hostChange: Partial<BookedHost>): { readonly fault: string; readonly wouldFitIf: readonly string[] } | undefined {
  const survey = surveyOf({ ...vm, ...vmChange }, [{ ...good, ...hostChange }]);
  const [out] = survey.ruledOut(1);
  return out === undefined ? undefined : { fault: vimName(survey.fault(out).fault?.$case ?? assert.fail()), wouldFitIf: survey.wouldFitIf(out) };
}

test("each question of the tree rules out with its own vim25 fault, and says what would have to change", () => {
  assert.equal(ruledOut({}, {}), undefined);
  const cases: readonly [string, string, Partial<VmShape>, Partial<BookedHost>][] = [
    ["HostNotReachable", "an answer from HostD of esxi-01", {}, { reach: "notResponding" }],
    ["HostNotConnected", "esxi-01 connected again", {}, { reach: "disconnected" }],
    ["InvalidPowerState", "esxi-01 powered on", {}, { power: "poweredOff" }],
    ["InvalidPowerState", "esxi-01 woken from standby", {}, { power: "standBy" }],
    ["InvalidState", "esxi-01 out of maintenance mode", {}, { inMaintenanceMode: true }],
    ["NotEnoughCpus", "1 more logical CPUs on esxi-01, or at most 4 vCPUs", { numCpus: 5 }, {}],
    ["MemorySizeNotSupported", "26 MB more physical memory on esxi-01, or a VM of at most 8166 MB", { memoryMb: 8192 }, {}],
    ["CannotAccessDatastore", 'datastore "ds1" mounted on esxi-01', {}, { datastores: [] }],
    ["CannotAccessDatastore", 'datastores "ds2", "ds3" mounted on esxi-01', { datastores: ["ds1", "ds2", "ds3"] }, {}],
    ["CannotAccessNetwork", 'network "net1" on esxi-01', {}, { networks: ["net2"] }],
    ["InsufficientHostCpuCapacityFault", "1 MHz more unreserved CPU on esxi-01", { reserved: { cpuMhz: 4001, memoryMb: 0 } }, {}],
    ["InsufficientHostMemoryCapacityFault", "512 MB more unreserved memory on esxi-01", { reserved: { cpuMhz: 0, memoryMb: 4608 } }, {}],
  ];
  for (const [fault, wouldFitIf, vmChange, hostChange] of cases) assert.deepEqual(ruledOut(vmChange, hostChange), { fault, wouldFitIf: [wouldFitIf] });
});

golden(admissionOrder, ({ ofHost }) => {
  const stages: Readonly<Record<string, string>> = { HostNotConnected: "state", InvalidPowerState: "state", InvalidState: "state", RuleViolation: "rules", InsufficientHostCpuCapacityFault: "host admission" };
  const rules: RulesOfVm = { allows: () => false, fault: () => ({ localizedMessage: "apart", fault: { $case: "ruleViolation", value: { host: undefined, rule: "apart" } } }), wouldFitIf: () => "vm-1 elsewhere", preference: () => 0 };
  const changes: readonly [string, Partial<VmShape>, Partial<BookedHost>][] = [
    ["HostNotConnected", {}, { reach: "disconnected" }],
    ["InvalidPowerState", {}, { power: "standBy" }],
    ["InvalidState", {}, { inMaintenanceMode: true }],
    ["NotEnoughCpus", { numCpus: 64 }, {}],
    ["MemorySizeNotSupported", { memoryMb: 65_536 }, {}],
    ["CannotAccessDatastore", {}, { datastores: [] }],
    ["CannotAccessNetwork", {}, { networks: [] }],
    ["RuleViolation", {}, {}],
    ["InsufficientHostCpuCapacityFault", { reserved: { cpuMhz: 9000, memoryMb: 9000 } }, {}],
  ];
  assert.deepEqual([...new Set(changes.map(([fault]) => stages[fault] ?? "compatibility"))], ofHost);
  // With every obstacle the first one answers; each one taken away lets the next one speak.
  for (let from = 0; from < changes.length; from += 1) {
    const left = changes.slice(from);
    const shape: VmShape = Object.assign({}, vm, ...left.map((change) => change[1]));
    const host: BookedHost = Object.assign({}, good, ...left.map((change) => change[2]));
    const survey = surveyOf(new VmToPlace(shape, left.some(([fault]) => fault === "RuleViolation") ? { rules } : {}), [host]);
    assert.equal(vimName(survey.fault(0).fault?.$case ?? assert.fail()), left[0]?.[0]);
    assert.equal(survey.wouldFitIf(0).length, left.length + 1, "all questions are asked, memory as well as CPU");
  }
});

test("faults carry what is free and what was asked for", () => {
  const survey = surveyOf({ ...vm, reserved: { cpuMhz: 0, memoryMb: 5000 } }, [good]);
  assert.deepEqual(survey.fault(0).fault, { $case: "insufficientHostMemoryCapacityFault", value: { unreserved: 4096, requested: 5000, host: { type: "HostSystem", value: "host-21" } } });
});

test("quarantine is a last resort: ruled out while another host will do, used when none will, never against another fault", () => {
  const quarantined: BookedHost = { ...good, moid: "host-22", name: "esxi-02", inQuarantineMode: true, reserved: { cpuMhz: 0, memoryMb: 0 } };
  const both = surveyOf(vm, [good, quarantined]);
  assert.deepEqual([both.best(), both.feasibleCount, both.ruledOutCount, both.onLastResort], [[0], 1, 1, false]);
  assert.equal(both.fault(1).fault?.$case, "invalidState");
  const alone = surveyOf(vm, [{ ...good, inMaintenanceMode: true }, quarantined]);
  assert.deepEqual([alone.best(), alone.feasibleCount, alone.ruledOut(9), alone.onLastResort], [[1], 1, [0], true]);
  const none = surveyOf({ ...vm, numCpus: 9 }, [good, quarantined]);
  assert.deepEqual([none.best(), none.feasibleCount, none.onLastResort], [[], 0, false]);
  assert.deepEqual(none.wouldFitIf(1), ["5 more logical CPUs on esxi-02, or at most 4 vCPUs", "esxi-02 out of quarantine mode, or no other host that will do"]);
});

test("what should rules prefer is taken before what scores better", () => {
  const busy: BookedHost = { ...good, moid: "host-22", name: "esxi-02", active: { cpuMhz: 7000, memoryMb: 8000 } };
  const rules: RulesOfVm = { allows: () => true, fault: () => assert.fail(), wouldFitIf: () => "", preference: (row) => row };
  const survey = surveyOf(new VmToPlace(vm, { rules }), [good, busy]);
  assert.ok(survey.score(0) > survey.score(1) + 10);
  assert.deepEqual([survey.best(), [...survey.ranking(Infinity)], [...survey.ranking(1)]], [[1], [1, 0], [1]]);
});
