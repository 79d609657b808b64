import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { examplesDirectory } from "../../src/base/project-files.js";
import { defaultInventory, readInventory } from "../../src/daemon/inventory.js";
import { withDirectory } from "../support/command.js";

const hosts = "hosts: [{name: a.test}]\n";
const vms = "virtualMachines:\n  - {name: one, host: a.test}\n  - {name: two, host: a.test}\n";

test("the example with everything in it", () => {
  const { virtualMachines, groups, rules, drs, ha } = readInventory(join(examplesDirectory, "inventories", "busy-cluster.yaml"));
  assert.equal(virtualMachines.find(({ name }) => name === "shop-batch")?.activity, `trace:${join(examplesDirectory, "inventories", "traces", "shop-batch.csv")},repeat=1d`);
  assert.deepEqual([groups.length, rules.length, drs?.behaviour, ha?.enabled], [2, 2, "manual", true]);
});

test("what is left out has the defaults of a new cluster", () => {
  const { groups, rules, drs, ha } = defaultInventory(1);
  assert.deepEqual([groups, rules, drs, ha], [[], [], undefined, undefined]);
});

for (const [what, text, where] of [
  ["an activity that is none", `${hosts}virtualMachines:\n  - name: one\n    activity: busy\n`, 'line 4, virtualMachines.0.activity: activity "busy": "busy" is no kind of activity'],
  ["a trace that is not there", `${hosts}virtualMachines:\n  - name: one\n    activity: trace:none.csv\n`, /line 4, virtualMachines\.0\.activity: trace \/.*none\.csv: no such file or directory$/],
  ["a trace with a bad line", `${hosts}virtualMachines:\n  - name: one\n    activity: trace:bad.csv,repeat\n`, /line 4, virtualMachines\.0\.activity: trace \/.*bad\.csv, line 2: "5,x,1" is not seconds,MHz,MB$/],
  ["two ways to say what is active", `${hosts}virtualMachines:\n  - {name: one, activeMb: 5, activity: idle}\n`, "line 3, virtualMachines.0.activity: stands beside activeMhz or activeMb: one of them"],
  ["a host nobody has", `${hosts}virtualMachines:\n  - {name: one, host: b.test}\n`, "line 3, virtualMachines.0.host: no host is named b.test"],
  ["shares that are none", `${hosts}resourcePools:\n  - {name: p, cpuShares: much}\n`, "line 3, resourcePools.0.cpuShares: must be low, normal, high or a number of shares"],
  ["a group of nothing", `${hosts}groups:\n  - {name: g}\n`, "line 3, groups.0: must have vms or hosts, one of them"],
  ["a group of VMs nobody has", `${hosts}${vms}groups:\n  - name: g\n    vms: [one, three]\n`, "line 7, groups.0.vms.1: no virtual machine is named three"],
  ["a VM twice in a group", `${hosts}${vms}groups:\n  - {name: g, vms: [one, one]}\n`, "line 6, groups.0.vms.1: one stands twice"],
  ["two groups of one name", `${hosts}groups:\n  - {name: g, hosts: [a.test]}\n  - {name: g, hosts: [a.test]}\n`, "line 4, groups.1.name: g stands twice"],
  ["a rule without a kind", `${hosts}rules:\n  - {name: r}\n`, "line 3, rules.0: must have one of together, apart, must, should"],
  ["a rule of two kinds", `${hosts}${vms}rules:\n  - {name: r, apart: [one, two], together: [one, two]}\n`, "line 6, rules.0: must have one of together, apart, must, should"],
  ["a rule between groups nobody has", `${hosts}rules:\n  - {name: r, must: g on h}\n`, "line 3, rules.0.must: no group of virtual machines is named g"],
  ["a rule that does not parse", `${hosts}rules:\n  - {name: r, should: g beside h}\n`, "line 3, rules.0.should: must be VMGROUP on HOSTGROUP, or VMGROUP off HOSTGROUP"],
  ["a threshold there is not", `${hosts}drs:\n  threshold: 6\n`, "line 3, drs.threshold: must be at most 5"],
  ["a label that no Node may have", "hosts:\n  - name: a.test\n    labels:\n      zone: a\n      bad key!: x\n", 'line 5, hosts.0.labels.bad key!: "bad key!" is no label key of Kubernetes'],
  ["a label's value that no Node may have", "hosts:\n  - name: a.test\n    labels: {zone: a b}\n", 'line 3, hosts.0.labels.zone: "a b" is no label value of Kubernetes (of "zone")'],
  ["a pool's reservation over its limit", `${hosts}resourcePools:\n  - name: p\n    reservationMb: 10\n    limitMb: 5\n`, "line 4, resourcePools.0.reservationMb: 10 is over limitMb, 5"],
  ["a VM's reservation over its limit", `${hosts}virtualMachines:\n  - name: v\n    reservationMhz: 10\n    limitMhz: 5\n`, "line 4, virtualMachines.0.reservationMhz: 10 is over limitMhz, 5"],
  ["a VM that reserves more than it has", `${hosts}virtualMachines:\n  - name: v\n    memoryMb: 512\n    reservationMb: 516\n`, "line 5, virtualMachines.0.reservationMb: 516 is more than memoryMb, 512"],
  ["memory that is no multiple of 4", `${hosts}virtualMachines:\n  - name: v\n    memoryMb: 513\n`, "line 4, virtualMachines.0.memoryMb: must be a multiple of 4"],
  ["a number below its least", "hosts:\n  - name: a.test\n    cores: -4\n", "line 3, hosts.0.cores: must be at least 1"],
  ["a text for a number", "hosts:\n  - name: a.test\n    memoryMb: lots\n", "line 3, hosts.0.memoryMb: must be a number"],
  ["a fraction", "hosts:\n  - name: a.test\n    cores: 2.5\n", "line 3, hosts.0.cores: must be a whole number"],
  ["no hosts", "datacenter: x\n", "line 1, hosts: is missing"],
  ["a list for everything", "- a\n", "line 1, document: must be a mapping"],
  ["a behaviour there is not", `${hosts}drs:\n  behaviour: auto\n`, "line 3, drs.behaviour: must be one of manual, partially-automated, fully-automated"],
  ["a VM without a name", `${hosts}virtualMachines:\n  - cpus: 2\n`, "line 3, virtualMachines.0.name: is missing"],
  ["a setting there is not", `${hosts}ha:\n  slots: 2\n`, "line 3, ha.slots: is no field of it"],
] as const) {
  test(`${what}: file, line and field are named`, async () => {
    await withDirectory(async (directory) => {
      writeFileSync(join(directory, "bad.csv"), "0,1,1\n5,x,1\n");
      const file = join(directory, "inventory.yaml");
      writeFileSync(file, text);
      assert.throws(
        () => readInventory(file),
        (error: Error) => {
          assert.ok(error.message.startsWith(`inventory ${file}, `), error.message);
          const rest = error.message.slice(`inventory ${file}, `.length);
          if (typeof where === "string") assert.equal(rest, where);
          else assert.match(rest, where);
          return true;
        },
      );
    });
  });
}
