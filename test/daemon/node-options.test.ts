import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { nodeOptions } from "../../src/daemon/node-options.js";

test("this Node knows each option; one it does not know would end it", () => {
  const run = (options: readonly string[]): string => execFileSync(process.execPath, [...options, "-p", "6 * 7"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  assert.equal(run(nodeOptions(process.versions.node)), "42");
  assert.throws(() => run(["--no-such-option"]));
});

test("when a function is optimized is said in the words of each V8", () => {
  assert.ok(nodeOptions("20.19.0").includes("--interrupt-budget=202752"));
  for (const version of ["22.0.0", "24.21.0", "26.1.0"]) assert.ok(nodeOptions(version).includes("--invocation-count-for-turbofan=9000"), version);
});
