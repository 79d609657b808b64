import assert from "node:assert/strict";
import { test } from "node:test";
import { stepLine } from "../../src/cli/step-text.js";
import { Outcome, StepRecord } from "../../src/gen/spheresim/emulator/v1/journal.js";

const record = StepRecord.fromPartial({ name: "cache", step: 7, room: "vcenter", outcome: Outcome.OK, subject: "esxi-01.spheresim.test", startTime: { seconds: 1n, nanos: 0 } });

test("a step's line names the host in full on 120 columns", () => {
  assert.equal(stepLine(record, 24, 995, 120), "cache                      7 ✓     +5 ms  vcenter    HostD creates and powers on the VM esxi-01.spheresim.test");
});

test("where there is no room for what a step is about, it is left out rather than cut to a letter", () => {
  assert.equal(stepLine(record, 24, 995, 90), "cache                      7 ✓     +5 ms  vcenter    HostD creates and powers on the VM");
  assert.equal(stepLine(record, 24, 995, 80), `${"cache                      7 ✓     +5 ms  vcenter    HostD creates and powers on the VM".slice(0, 79)}…`);
});
