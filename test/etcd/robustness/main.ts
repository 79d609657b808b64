// Entry of scripts/etcd-kills: many kills, checked every few; ends at the first violation.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type KillReport, runKills } from "./kill-run.js";
import { spawnVictim } from "./victim.js";

const usage = `usage: node scripts/etcd-kills.mjs [--rounds 1000] [--rounds-per-directory 20] [--seed 1]

Kills an etcd of ours with SIGKILL under load (8 writers, 8 watchers, 10 keys, a compaction every 200 ms), starts it again, and checks
all that its clients recorded: linearizable calls, every promise of watches. Directories lie under TMPDIR.`;

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "1000" },
    "rounds-per-directory": { type: "string", default: "20" },
    seed: { type: "string", default: "1" },
    help: { type: "boolean", default: false },
  },
});

async function part(rounds: number, seed: string): Promise<KillReport> {
  const directory = mkdtempSync(join(tmpdir(), "spheresim-kills-"));
  const victim = await spawnVictim(directory);
  try {
    return await runKills({ victim, seed, rounds, writers: 8, watchers: 8, keys: 10, compactEveryMs: 200, lifeCalls: [10, 400] });
  } finally {
    await victim.kill();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function main(): Promise<number> {
  if (values.help) {
    console.log(usage);
    return 0;
  }
  const wanted = Number(values.rounds);
  const begin = performance.now();
  const sum = { rounds: 0, acknowledged: 0, unanswered: 0, revisions: 0, watches: 0, events: 0 };
  for (let directory = 0; sum.rounds < wanted; directory += 1) {
    const seed = `${values.seed}/${directory}`;
    const report = await part(Math.min(Number(values["rounds-per-directory"]), wanted - sum.rounds), seed);
    for (const name of Object.keys(sum) as (keyof typeof sum)[]) sum[name] += report[name];
    if (report.violations.length > 0) {
      console.log(`${report.violations.length} violations within ${report.rounds} kills of seed ${seed}:\n${report.violations.slice(0, 50).join("\n")}`);
      return 1;
    }
    console.error(`${((performance.now() - begin) / 1000).toFixed(0)} s: ${sum.rounds} of ${wanted} kills, no violation; ${JSON.stringify(sum)}`);
  }
  console.log(`${sum.rounds} kills: 0 acknowledged writes lost, 0 violations; ${JSON.stringify(sum)}`);
  return 0;
}

process.exitCode = await main();
