import assert from "node:assert/strict";
import { test } from "node:test";
import { Backoff } from "../../src/base/backoff.js";
import { Dice } from "../../src/base/seeded-random.js";
import { StateMachine, type Transitions } from "../../src/base/state-machine.js";

type Door = "open" | "shut" | "gone";
const door: Transitions<Door> = { open: ["shut"], shut: ["open", "gone"], gone: [] };

test("a state machine moves as its table says", () => {
  const machine = new StateMachine("door 1", door, "open");
  assert.equal(machine.can("gone"), false);
  assert.throws(() => machine.moveTo("gone"), { name: "IllegalMove", message: "door 1 cannot move from open to gone (only to shut)" });
  assert.equal(machine.state, "open");
  assert.equal(machine.moveTo("shut"), "open");
  machine.moveTo("gone");
  assert.equal(machine.final, true);
  assert.throws(() => machine.moveTo("open"), { message: "door 1 cannot move from gone to open (only to nothing: it is final)" });
});

test("waiting doubles up to its cap and starts over", () => {
  const backoff = new Backoff({ initialMs: 100, maxMs: 1_000 });
  assert.deepEqual(Array.from({ length: 6 }, () => backoff.nextMs()), [100, 200, 400, 800, 1_000, 1_000]);
  backoff.reset();
  assert.equal(backoff.nextMs(), 100);
});

test("chance sways a wait within its share and never above the cap", () => {
  const backoff = new Backoff({ initialMs: 100, maxMs: 1_000, jitter: 0.2, dice: new Dice(1) });
  for (const baseMs of [100, 200, 400, 800, 1_000, 1_000]) {
    const waitMs = backoff.nextMs();
    assert.ok(waitMs >= baseMs * 0.8 && waitMs <= Math.min(1_000, baseMs * 1.2), `${waitMs} for ${baseMs}`);
  }
  for (let attempt = 0; attempt < 2_000; attempt += 1) assert.ok(backoff.nextMs() <= 1_000);
});
