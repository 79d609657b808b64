import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { test } from "node:test";

for (const [bench, wrong, line] of [
  ["placement-speed", ["--nonsense"], "spheresim bench: Unknown option '--nonsense'"],
  ["placement-speed", ["--hosts", "64,many"], 'spheresim bench: --hosts must be whole numbers from 1, with commas between, not "64,many"'],
  ["placement-speed", ["--decisions", "0"], 'spheresim bench: --decisions must be a whole number from 1, not "0"'],
  ["drs", ["--nonsense"], "spheresim bench: Unknown option '--nonsense'"],
  ["drs", ["--vms", "0"], 'spheresim bench: --vms must be whole numbers from 1, with commas between, not "0"'],
  ["placement-quality", ["--hosts", "x"], 'spheresim bench: --hosts must be a whole number from 8, not "x"'],
] as const) {
  test(`bench ${bench} ${wrong.join(" ")}: a line and the usage, no stack trace`, () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [fileURLToPath(new URL(`${bench}/main.js`, import.meta.url)), ...wrong], { encoding: "utf8" });
    assert.deepEqual([status, stdout], [2, ""], stderr);
    assert.equal(stderr.split("\n", 1)[0], line);
    assert.match(stderr, /^usage: node scripts\/bench-/m);
    assert.doesNotMatch(stderr, /^ +at /m);
  });
}
