import assert from "node:assert/strict";
import { test } from "node:test";
import { Burst } from "../../src/base/burst.js";
import { ManualClock } from "../../src/base/clock.js";
import { fc } from "../support/properties.js";

test("the worked example: three things without a pause are a burst, which a quarter of a second without any ends, and 3 s at most", () => {
  let nowMs = 0;
  const burst = new Burst({ nowMs: () => nowMs }, { few: 2 });
  const comesAt = (ms: number): void => {
    nowMs = ms;
    burst.came();
  };
  comesAt(0);
  comesAt(10);
  assert.equal(burst.waitMs(10), 0);
  comesAt(20);
  assert.equal(burst.waitMs(20), 250);
  comesAt(50);
  assert.equal(burst.waitMs(20), 250);
  nowMs = 300;
  assert.equal(burst.waitMs(20), 0);

  for (let ms = 1_020; ms < 4_020; ms += 100) comesAt(ms);
  assert.equal(burst.waitMs(1_020), 100);
  comesAt(4_020);
  assert.equal(burst.waitMs(1_020), 0);
  assert.equal(burst.waitMs(4_020), 250);
});

test("few things at a time never wait, and nobody waits for longer than the most", () => {
  const gaps = fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 200 });
  fc.assert(
    fc.property(gaps, fc.integer({ min: 1, max: 10 }), fc.integer({ min: 1, max: 2_000 }), (gapsMs, few, mostMs) => {
      let nowMs = 0;
      let together = 0;
      const burst = new Burst({ nowMs: () => nowMs }, { few, mostMs });
      for (const gapMs of gapsMs) {
        nowMs += gapMs;
        together = gapMs < 250 ? together + 1 : 1;
        const sinceMs = burst.came();
        assert.equal(burst.waitMs(sinceMs) > 0, together > few);
        nowMs += Math.min(mostMs, 250);
        assert.equal(burst.waitMs(sinceMs), 0);
        nowMs = sinceMs;
      }
    }),
  );
});

test("at its end those that joined hand on what they hold, but not those that left, and nobody waits any more", async () => {
  const burst = new Burst(new ManualClock(), { few: 2 });
  const handedOn: string[] = [];
  const joined = (name: string): (() => void) =>
    burst.join(() => {
      handedOn.push(name);
      return Promise.resolve();
    });
  joined("a");
  joined("b")();
  const sinceMs = burst.came(10);
  assert.equal(burst.waitMs(sinceMs), 250);
  await burst.end();
  assert.deepEqual(handedOn, ["a"]);
  assert.equal(burst.waitMs(burst.came(10)), 0);
});
