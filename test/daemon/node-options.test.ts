import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { nodeOptions } from "../../src/daemon/node-options.js";

test("this Node knows each option; one it does not know would end it", () => {
  const run = (options: readonly string[]): string => execFileSync(process.execPath, [...options, "-p", "6 * 7"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  assert.equal(run(nodeOptions(process.versions.node)), "42");
  assert.throws(() => run(["--no-such-option"]));
});

test("a function is optimized after three times as many calls as this V8 would", () => {
  const [, name = "", asked = ""] = /(--(?:interrupt-budget|invocation-count-for-turbofan))=(\d+)/.exec(nodeOptions(process.versions.node).join(" ")) ?? [];
  const known = execFileSync(process.execPath, ["--v8-options"], { encoding: "utf8", maxBuffer: 16 * 1024 ** 2 });
  const [, usual = ""] = new RegExp(`default: ${name}=(\\d+)`).exec(known) ?? assert.fail(`no ${name}`);
  assert.equal(Number(asked), 3 * Number(usual));
});

test("each V8 is told in its own words", () => {
  assert.match(nodeOptions("20.19.0").join(" "), /--interrupt-budget=/);
  for (const version of ["22.0.0", "24.21.0", "26.1.0"]) assert.match(nodeOptions(version).join(" "), /--invocation-count-for-turbofan=/, version);
});
