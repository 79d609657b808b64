import assert from "node:assert/strict";
import { test } from "node:test";
import { summarize } from "./cpu-profile.js";
import { distributionOf } from "./distribution.js";
import { readBenchOptions } from "./options.js";

test("percentiles are nearest ranks", () => {
  const values = Array.from({ length: 200 }, (_, index) => 200 - index);
  assert.deepEqual(distributionOf(values), { p50Ms: 100, p99Ms: 198, maxMs: 200 });
});

test("--json stands with and without a file", () => {
  assert.equal(readBenchOptions([]).json, false);
  assert.equal(readBenchOptions(["--json"]).json, true);
  assert.equal(readBenchOptions(["--json", "--pods", "3"]).pods, 3);
  assert.equal(readBenchOptions(["--json", "figures.json"]).json, "figures.json");
  assert.throws(() => readBenchOptions(["--pods", "none"]), { message: '--pods must be a positive whole number, not "none"' });
  assert.throws(() => readBenchOptions(["--fast"]), /--fast/);
});

test("a sample lasts until the next one; idle time is nobody's", () => {
  const frame = (functionName: string, url: string) => ({ functionName, url, lineNumber: 6 });
  const profile = {
    nodes: [
      { id: 1, callFrame: frame("call", "file:///home/me/spheresim/node_modules/@grpc/grpc-js/build/src/call.js") },
      { id: 2, callFrame: frame("change", "file:///home/me/spheresim/dist/src/apiserver/registry.js") },
      { id: 3, callFrame: frame("(idle)", "") },
    ],
    samples: [1, 2, 1, 3, 3],
    timeDeltas: [0, 2_000, 3_000, 1_000, 9_000],
  };
  assert.deepEqual(summarize("kubernetes", profile, 2), {
    process: "kubernetes",
    busyMs: 6,
    parts: [{ name: "node_modules/@grpc/grpc-js", selfMs: 3, share: 0.5 }, { name: "src/apiserver", selfMs: 3, share: 0.5 }],
    functions: [{ name: "call node_modules/@grpc/grpc-js/build/src/call.js:7", selfMs: 3, share: 0.5 }, { name: "change src/apiserver/registry.js:7", selfMs: 3, share: 0.5 }],
  });
});
