import assert from "node:assert/strict";
import { test } from "node:test";
import { EventSpamFilter } from "../../src/kubernetes/event-spam-filter.js";

test("the worked example: of 30 events at once 25 pass, and two more ten minutes later; other objects are not counted", () => {
  const filter = new EventSpamFilter();
  const passed = (object: string, tries: number, nowMs: number): number => Array.from({ length: tries }, () => filter.passes(object, nowMs)).filter(Boolean).length;
  assert.equal(passed("a", 30, 0), 25);
  assert.equal(passed("b", 3, 0), 3);
  assert.equal(passed("a", 1, 299_999), 0);
  assert.equal(passed("a", 30, 600_000), 2);
  // A clock that goes back gives nothing.
  assert.equal(passed("a", 30, 0), 0);
  assert.equal(passed("a", 100, 100 * 300_000), 25);
});
