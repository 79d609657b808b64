import assert from "node:assert/strict";
import { test } from "node:test";
import { HostVm, VmPhase } from "../../src/gen/spheresim/hostd/v1/host.js";
import { UpdateKind } from "../../src/gen/spheresim/vim/v1/update.js";
import { ChangeRing, type VmChange } from "../../src/hostd/change-ring.js";
import { VmFields } from "../../src/hostd/vm-fields.js";
import { EsxiFixture, FakeMachine, isFault } from "./esxi-fixture.js";
import { crxSpec } from "./vm-specs.js";

/** All changes in a ring. */
function changesOf(ring: ChangeRing): VmChange[] {
  const changes: VmChange[] = [];
  for (let change = ring.after(0n); change !== undefined; change = ring.after(change.revision)) changes.push(change);
  return changes;
}

test("the worked example: of a power-on the first change is told and the last, which shows all phases", async () => {
  const fixture = await new EsxiFixture().boot();
  try {
    new FakeMachine(fixture.esxi).connect();
    await fixture.settle(fixture.host.createVm(crxSpec(1), true));
    const changes = changesOf(fixture.esxi.changes);
    const { OFF, VMX, VMM, KERNEL, INIT_WAITING } = VmPhase;
    assert.deepEqual(changes.map(({ vm }) => vm.phase), [OFF, VMX, VMM, KERNEL, INIT_WAITING]);
    const fields = new VmFields(["power_state", "guest_heartbeat_status"]);
    const told = changes.filter((change) => fields.differ(change));
    assert.deepEqual(told.map(({ vm }) => vm.phase), [OFF, INIT_WAITING]);
    assert.deepEqual(told.at(-1)?.vm.phaseTimes.map(({ phase }) => phase), [VMX, VMM, KERNEL, INIT_WAITING]);
  } finally {
    await fixture.close();
  }
});

test("every field of a HostVm has its name, and its change is told", () => {
  const ring = new ChangeRing("boot");
  const before = ring.add(UpdateKind.ENTER, HostVm.create());
  const names = Object.keys(before).map((field) => [field, field.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)] as const);
  assert.equal(names.length, 12);
  for (const [field, name] of names) {
    const change: VmChange = { revision: 2n, kind: UpdateKind.MODIFY, vm: { ...before, [field]: Symbol(field) }, before, withheld: false };
    assert.deepEqual([new VmFields([name]).differ(change), new VmFields(names.map(([, each]) => each).filter((each) => each !== name)).differ(change)], [true, false], name);
    assert.equal(new VmFields([]).differ(change), true);
  }
  assert.throws(() => new VmFields(["config", "name"]), isFault("invalidArgument", ({ fault }) => assert.deepEqual(fault.fault?.value, { invalidProperty: "path_set[1]" })));
});
