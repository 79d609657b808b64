// Entry of scripts/etcd-differential: the long differential run, or a reproducer of one.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { startRealEtcd } from "../../support/real-etcd.js";
import { spawnEtcd } from "../spawned-etcd.js";
import { DifferentialError, replayDifferential, runDifferential } from "./differential-run.js";
import { readSteps } from "./step.js";

const usage = `usage: node scripts/etcd-differential.mjs [--steps 1000000] [--seed 1] [--epoch-steps 2000] [--replays 400] | --replay FILE

Gives random steps to the etcd that is installed and to ours, both on fresh directories under TMPDIR, and ends at the first difference
with the shortest list of steps found that shows it. --replay does the steps of such a list (lines of JSON; others are passed over).`;

const { values } = parseArgs({
  options: {
    steps: { type: "string", default: "1000000" },
    seed: { type: "string", default: "1" },
    "epoch-steps": { type: "string", default: "2000" },
    replays: { type: "string", default: "400" },
    replay: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

async function main(): Promise<number> {
  if (values.help) {
    console.log(usage);
    return 0;
  }
  const directory = mkdtempSync(join(tmpdir(), "spheresim-differential-"));
  const real = await startRealEtcd();
  const ours = await spawnEtcd(directory);
  const begin = performance.now();
  const seconds = (): string => `${((performance.now() - begin) / 1000).toFixed(0)} s`;
  try {
    if (values.replay !== undefined) {
      await replayDifferential(readSteps(readFileSync(values.replay, "utf8")), ours.address, real.address);
      console.log("no difference");
      return 0;
    }
    const report = await runDifferential({
      ours: ours.address,
      real: real.address,
      seed: values.seed,
      steps: Number(values.steps),
      epochSteps: Number(values["epoch-steps"]),
      replays: Number(values.replays),
      onProgress: (line) => console.error(`${seconds()}: ${line}`),
    });
    console.log(`${report.steps} steps of seed ${values.seed} in ${seconds()}: no difference; allowed ones: ${JSON.stringify(report.allowed)}`);
    return 0;
  } catch (error) {
    if (!(error instanceof DifferentialError)) throw error;
    console.log(error.message);
    return 1;
  } finally {
    await Promise.all([ours.kill(), real.close()]);
    rmSync(directory, { recursive: true, force: true });
  }
}

process.exitCode = await main();
