import assert from "node:assert/strict";
import { test } from "node:test";
import { toTimestamp } from "../../src/base/timestamp.js";
import type { ActivityProfile } from "../../src/gen/spheresim/vim/v1/virtual_machine.js";
import { useAt } from "../../src/vcenter/activity/activity.js";
import { VaryingUse } from "../../src/vcenter/activity/varying-use.js";
import { fc } from "../support/properties.js";

const NOON = Date.UTC(2026, 0, 1, 12);
const MINUTE = 60_000;

/** Uses so much in each minute from noon on. */
function minutes(...samples: readonly (readonly [cpuMhz: number, memoryMb: number])[]): ActivityProfile {
  return { profile: { $case: "trace", value: { samples: samples.map(([cpuMhz, memoryMb], index) => ({ offset: { seconds: BigInt(60 * index), nanos: 0 }, cpuMhz, memoryMb })), repeatEvery: undefined } }, startTime: toTimestamp(NOON) };
}

test("the worked example: averages over what is known, then over the window", () => {
  const use = new VaryingUse(minutes([100, 0], [300, 0], [500, 0]), NOON);
  assert.deepEqual([0, 1, 2].map((minute) => use.average(2, NOON + minute * MINUTE).cpuMhz), [100, 200, 400]);
});

test("active memory rises at once and falls slowly, whether it is asked each minute or after an hour", () => {
  const profile = minutes([0, 100], [0, 1000], [0, 1000], [0, 0]);
  const asked = new VaryingUse(profile, NOON);
  const at = (minute: number): number => asked.activeMb(useAt(profile, NOON + minute * MINUTE).memoryMb, NOON + minute * MINUTE);
  assert.deepEqual([0, 1, 2, 3, 4].map(at), [100, 1000, 1000, 775, 387]);
  const late = new VaryingUse(profile, NOON);
  assert.equal(late.activeMb(0, NOON + 4 * MINUTE), 387);
  assert.equal(late.activeMb(0, NOON + 1_000 * MINUTE), 0);
});

test("whenever it is asked, and over whichever window, an average is that of the minutes themselves", () => {
  const sample = fc.tuple(fc.integer({ min: 0, max: 5_000 }), fc.integer({ min: 0, max: 5_000 }));
  fc.assert(
    fc.property(fc.array(sample, { minLength: 1, maxLength: 120 }), fc.array(fc.tuple(fc.integer({ min: 0, max: 90 }), fc.constantFrom(5, 10, 20, 40)), { minLength: 1, maxLength: 20 }), (samples, questions) => {
      const use = new VaryingUse(minutes(...samples), NOON);
      let minute = 0;
      for (const [later, window] of questions) {
        minute += later;
        const known = Array.from({ length: Math.min(window, minute + 1) }, (_, back) => samples[Math.min(samples.length - 1, minute - back)] ?? assert.fail());
        const mean = (of: 0 | 1): number => known.reduce((sum, each) => sum + each[of], 0) / known.length;
        assert.deepEqual(use.average(window, NOON + minute * MINUTE + 30_000), { cpuMhz: mean(0), memoryMb: mean(1) });
      }
    }),
  );
});
