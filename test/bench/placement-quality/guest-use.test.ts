import assert from "node:assert/strict";
import { test } from "node:test";
import { type GuestUse, useAt } from "./guest-use.js";

const HOUR_S = 3600;

test("a wave has its top at its hour and its bottom half a day from it", () => {
  const wave: GuestUse = { kind: "dailyWave", low: { cpuMhz: 200, memoryMb: 0 }, high: { cpuMhz: 1000, memoryMb: 100 }, peakHour: 14 };
  assert.deepEqual([2, 8, 14, 20, 38].map((hour) => useAt(wave, hour * HOUR_S).cpuMhz), [200, 600, 1000, 600, 1000]);
  assert.equal(useAt(wave, 14 * HOUR_S).memoryMb, 100);
});

test("what falls idle is busy until then", () => {
  const use: GuestUse = { kind: "idleAfter", busy: { cpuMhz: 9, memoryMb: 9 }, idle: { cpuMhz: 1, memoryMb: 1 }, untilS: 60 };
  assert.deepEqual([0, 59, 60].map((second) => useAt(use, second).cpuMhz), [9, 9, 1]);
});
