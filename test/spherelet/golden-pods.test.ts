import assert from "node:assert/strict";
import { test } from "node:test";
import { goldenPods, linesOf } from "./golden-pods.js";

for (const golden of goldenPods()) {
  test(`pod contract: ${golden.name}`, async () => {
    assert.deepEqual(await linesOf(golden), golden.lines.trimEnd().split("\n"));
  });
}
