import assert from "node:assert/strict";
import { test } from "node:test";
import { VirtualMachineConfigSpec } from "../../src/gen/spheresim/vim/v1/virtual_machine.js";
import { VmNames } from "../../src/vcenter/inventory/vm-names.js";

test("the worked example of VmNames: both names while it is renamed, and VMs of pods have none", () => {
  const names = new VmNames();
  const of = (name: string, ownerUid = ""): VirtualMachineConfigSpec => VirtualMachineConfigSpec.fromPartial({ name, ownerUid });
  const vm = { moid: "vm-101", config: of("a") };
  names.change(undefined, vm);
  const renaming = { ...vm, reconfiguringTo: of("b") };
  names.change(vm, renaming);
  assert.deepEqual([names.holders("a"), names.holders("b")], [["vm-101"], ["vm-101"]]);
  names.change(renaming, vm);
  assert.deepEqual([names.holders("a"), names.holders("b")], [["vm-101"], []]);
  names.change(undefined, { moid: "vm-102", config: of("a", "uid-1") });
  names.change(undefined, { moid: "vm-103", config: of("a") });
  names.change(vm, undefined);
  assert.deepEqual(names.holders("a"), ["vm-103"]);
});
