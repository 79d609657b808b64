import assert from "node:assert/strict";
import { test } from "node:test";
import type { VmHostRule } from "../../../src/vcenter/drs/rules/rule.js";
import { RowRules } from "../../../src/vcenter/drs/rules/row-rules.js";
import { VmRules } from "../../../src/vcenter/drs/rules/vm-rules.js";
import { tableOf } from "./host-rows.js";
import { memoryHost } from "./golden-hosts.js";

const table = tableOf([memoryHost("A", 0, 10), memoryHost("B", 0, 100), memoryHost("C", 0, 10)]);

function preferences(mandatory: boolean): number[] {
  const rule: VmHostRule = { kind: "vmHost", key: 1, name: "rule", vms: new Set(["vm-1"]), hosts: new Set(["A", "B"]), affine: true, mandatory };
  const rules = new RowRules(new VmRules("web", "vm-1", [rule], () => []), table);
  return ["A", "B", "C"].map((moid) => rules.preference(table.row(moid)));
}

test("a should rule prefers its hosts as long as they are not fully used; a must rule alone prefers none of the hosts it allows", () => {
  assert.deepEqual(preferences(false), [1, 0, 0]);
  assert.deepEqual(preferences(true), [0, 0, 0]);
});
