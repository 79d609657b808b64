// Entry of scripts/etcd-kills: many kills, checked every few; ends at the first violation.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { startRealEtcd } from "../../support/real-etcd.js";
import { type KillReport, runKills, type Victim } from "./kill-run.js";
import { spawnVictim } from "./victim.js";

const usage = `usage: node scripts/etcd-kills.mjs [--rounds 1000] [--rounds-per-directory 20] [--seed 1] [--etcd] [--no-progress-requests]

Kills an etcd of ours with SIGKILL under load (8 writers, 8 watchers, 10 keys, a compaction every 200 ms), starts it again, and checks
all that its clients recorded: linearizable calls, every promise of watches. Directories lie under TMPDIR.

With --etcd the one that is killed is the etcd on PATH: that judges the checks. What they find there is a fault of theirs or one that this
version of etcd is known to have: before 3.4.25, answers to progress requests overtake events (etcd issue 15220), which
--no-progress-requests keeps out.`;

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "1000" },
    "rounds-per-directory": { type: "string", default: "20" },
    seed: { type: "string", default: "1" },
    etcd: { type: "boolean", default: false },
    "no-progress-requests": { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

async function part(rounds: number, seed: string): Promise<KillReport> {
  const victim = values.etcd ? await startRealEtcd() : await freshVictim();
  try {
    return await runKills({ victim, seed, rounds, writers: 8, watchers: 8, keys: 10, compactEveryMs: 200, lifeCalls: [10, 400], asksProgress: !values["no-progress-requests"] });
  } finally {
    await victim.close();
  }
}

async function freshVictim(): Promise<Victim & { close(): Promise<void> }> {
  const directory = mkdtempSync(join(tmpdir(), "spheresim-kills-"));
  const victim = await spawnVictim(directory);
  const close = async (): Promise<void> => {
    await victim.kill();
    rmSync(directory, { recursive: true, force: true });
  };
  return { ...victim, close };
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
