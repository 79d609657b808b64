import assert from "node:assert/strict";
import { test } from "node:test";
import { KeptVms, stayingText } from "../../src/vcenter/hosts/kept-vms.js";
import { VimFault } from "../../src/vcenter/vim-fault.js";

test("the worked example of stayingText; nobody is nothing, and much is counted", () => {
  assert.equal(stayingText([["db", "no room"], ["web", "a rule"], ["cache", "no room"]]), "db, cache stay: no room; web stays: a rule");
  assert.equal(stayingText([]), "");
  const many = Array.from({ length: 20 }, (_, index) => [`vm-${index}`, index < 7 ? "no room" : `reason ${index}`] as const);
  assert.equal(stayingText(many), "vm-0, vm-1, vm-2, vm-3, vm-4 and 2 more stay: no room; vm-7 stays: reason 7; vm-8 stays: reason 8; and 11 more stay for other reasons");
  assert.equal(stayingText([["db", "x".repeat(400)]]), `db stays: ${"x".repeat(300)} ...`);
});

test("what keeps a VM is news when it is another reason than before", () => {
  const kept = new KeptVms();
  const [room, rule] = [VimFault.invalidState("no room"), VimFault.invalidState("a rule")];
  assert.deepEqual([kept.keep("vm-1", room), kept.keep("vm-1", VimFault.invalidState("no room")), kept.keep("vm-1", rule)], [true, false, true]);
  assert.equal(kept.why("vm-1"), rule);
  kept.keep("vm-2", room);
  kept.retain(new Set(["vm-2"]));
  assert.deepEqual([kept.why("vm-1"), kept.why("vm-2")], [undefined, room]);
  kept.free("vm-2");
  assert.equal(kept.keep("vm-2", room), true);
});
