import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import { spawnVictim } from "./robustness/victim.js";
import { runKills } from "./robustness/kill-run.js";

const ROUNDS = 4;

it(`loses no acknowledged write and breaks no promise of a watch when it is killed, ${ROUNDS} times`, { timeout: 600_000 }, async () => {
  const directory = mkdtempSync(join(tmpdir(), "spheresim-kill-"));
  const victim = await spawnVictim(directory);
  try {
    const report = await runKills({ victim, seed: "1", rounds: ROUNDS, writers: 8, watchers: 8, keys: 10, compactEveryMs: 200, lifeCalls: [40, 300] });
    assert.deepEqual(report.violations, []);
    // A run in which nothing happened would prove nothing.
    assert.ok(report.acknowledged >= 40 * ROUNDS && report.revisions > 50 && report.watches > 8 && report.events > 50, JSON.stringify(report));
  } finally {
    await victim.kill();
    rmSync(directory, { recursive: true, force: true });
  }
});
