import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { readActivity } from "../../src/base/activity-text.js";
import { readTrace } from "../../src/base/activity-trace.js";
import { durationSeconds } from "../../src/base/duration-text.js";

const seconds = (count: number) => ({ seconds: BigInt(count), nanos: 0 });
const noFile = (): string => assert.fail("no file is read");

test("durations as people write them, the worked example among them", () => {
  for (const [text, expected] of [["90", 90], ["90s", 90], ["1m30s", 90], ["1d", 86_400], ["1.5", 1.5], ["0.5h", 1800], ["0", 0]] as const) assert.equal(durationSeconds(text), expected, text);
  for (const text of ["", "soon", "-5m", "5 m", "m", "1x", "1h-2", "99999999999"]) assert.equal(durationSeconds(text), undefined, text);
});

describe("activities", () => {
  for (const [text, expected] of [
    ["idle", undefined],
    ["constant:2000,4096", { $case: "constant", value: { cpuMhz: 2000, memoryMb: 4096 } }],
    ["wave:200-3000,1024-4096@9", { $case: "dailyWave", value: { minCpuMhz: 200, maxCpuMhz: 3000, peakHour: 9, minMemoryMb: 1024, maxMemoryMb: 4096 } }],
    ["wave:0-1,0-1", { $case: "dailyWave", value: { minCpuMhz: 0, maxCpuMhz: 1, peakHour: 14, minMemoryMb: 0, maxMemoryMb: 1 } }],
    ["idle-after:2h:2000,4096", { $case: "idleAfter", value: { busy: { cpuMhz: 2000, memoryMb: 4096 }, after: seconds(7200) } }],
  ] as const) {
    test(text, () => assert.deepEqual(readActivity(text, noFile), expected));
  }

  test("a trace, which repeats after its last sample has held as long as the one before, or when it is told to", () => {
    const file = (path: string): string => (assert.equal(path, "a,b.csv"), "seconds,cpu_mhz,memory_mb\r\n\n# night\n0,500,1024\n3600, 4000, 8192.4\n");
    const samples = [
      { offset: seconds(0), cpuMhz: 500, memoryMb: 1024 },
      { offset: seconds(3600), cpuMhz: 4000, memoryMb: 8192 },
    ];
    assert.deepEqual(readActivity("trace:a,b.csv", file), { $case: "trace", value: { samples, repeatEvery: undefined } });
    assert.deepEqual(readActivity("trace:a,b.csv,repeat", file), { $case: "trace", value: { samples, repeatEvery: seconds(7200) } });
    assert.deepEqual(readActivity("trace:a,b.csv,repeat=1d", file), { $case: "trace", value: { samples, repeatEvery: seconds(86_400) } });
  });

  for (const [text, why] of [
    ["", '"" is no kind of activity'],
    ["busy:1,2", '"busy" is no kind of activity'],
    ["constant:1", '"1" is not MHZ,MB'],
    ["constant:-1,2", '"-1,2" is not MHZ,MB'],
    ["constant:1,99999999999", "99999999999 is too large"],
    ["wave:3-2,1-2", "the lower figure of a wave comes first"],
    ["wave:1-2,1-2@24", "the hour of the peak is 0 to 23, not 24"],
    ["wave:1,2", '"1,2" is not MHZ-MHZ,MB-MB or MHZ-MHZ,MB-MB@HOUR'],
    ["idle-after:0:1,2", '"0" is no duration, such as 90s, 15m or 2h'],
    ["idle-after:1,2", '"" is no duration, such as 90s, 15m or 2h'],
    ["trace:", "no file is named"],
    ["trace:x,repeat=soon", '"soon" is no duration, such as 15m, 2h or 1d'],
    ["trace:x,repeat=5", "it cannot repeat after 5 s: its last sample is at 10 s"],
  ] as const) {
    test(`"${text}" is refused`, () => assert.throws(() => readActivity(text, () => "0,1,2\n10,1,2\n"), { name: "UserError", kind: "usage", message: `activity "${text}": ${why}` }));
  }
});

describe("a trace that will not do says file and line", () => {
  for (const [what, text, why] of [
    ["empty", "\n", "trace t.csv: no sample is in it"],
    ["a heading alone", "seconds,mhz,mb\n", "trace t.csv: no sample is in it"],
    ["a cell too few", "0,1,2\n5,1\n", 'trace t.csv, line 2: "5,1" is not seconds,MHz,MB'],
    ["words in the middle", "0,1,2\na,b,c\n", 'trace t.csv, line 2: "a,b,c" is not seconds,MHz,MB'],
    ["a negative figure", "0,-1,2\n", 'trace t.csv, line 1: "0,-1,2" is not seconds,MHz,MB'],
    ["back in time", "0,1,2\n0,1,2\n", "trace t.csv, line 2: 0 s does not come after 0 s"],
    ["too much", Array.from({ length: 10_001 }, (_, index) => `${index},1,1`).join("\n"), "trace t.csv, line 10001: a trace has at most 10000 samples"],
  ] as const) {
    test(what, () => assert.throws(() => readTrace(text, "t.csv"), { name: "UserError", kind: "usage", message: why }));
  }
});
