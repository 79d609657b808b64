// Entry of scripts/bench-quality: how well placers place, on a trace and on busy and idle VMs side by side.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { monotonicClock } from "../../../src/base/clock.js";
import { table } from "../../../src/cli/table.js";
import { readQualityOptions, usage } from "./options.js";
import { readOrExplain } from "../bench-options.js";
import { measureQuality, objections, type QualityFigures } from "./quality-figures.js";
import { qualityPage } from "./quality-page.js";
import { qualityPlot } from "./quality-plot.js";
import { HEADINGS, rowsOf } from "./quality-table.js";
import { readTrace } from "./trace-set.js";

function main(words: readonly string[]): void {
  if (words.includes("--help")) {
    process.stdout.write(`${usage}\n`);
    return;
  }
  const options = readOrExplain(usage, () => readQualityOptions(words));
  if (options === undefined) return;
  const trace = options.traces === undefined ? undefined : readTrace(options.traces);
  if (trace === undefined) process.stderr.write(`bench: the trace is skipped: ${options.traces === undefined ? "--traces names no directory" : `its files are not in ${options.traces}`}\n`);
  const figures = measureQuality(options, trace, monotonicClock(), (line) => process.stderr.write(`bench: ${line}\n`));
  for (const set of figures.sets) process.stdout.write(`${set.set}, seed ${set.seed}; decisions/s: ${set.placers.map(({ placer, decisionsPerSecond }) => `${placer} ${Math.round(decisionsPerSecond)}`).join("; ")}\n${table([...HEADINGS], rowsOf(set))}\n`);
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(figures, undefined, 2)}\n`);
  if (options.publish !== undefined) publish(options.publish, figures, trace !== undefined);
  const against = objections(figures);
  for (const line of against) process.stderr.write(`bench: ${line}\n`);
  if (against.length > 0) process.exitCode = 1;
}

function publish(directory: string, figures: QualityFigures, withTrace: boolean): void {
  const { seed, seeds, hosts } = figures.options;
  const command = `node scripts/bench-quality.mjs${withTrace ? " --traces DIR" : ""} --seed ${seed} --seeds ${seeds} --hosts ${hosts} --publish docs`;
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, "placement-quality.md"), qualityPage(figures, command));
  const [first] = figures.sets;
  if (first !== undefined) writeFileSync(join(directory, "placement-quality.svg"), qualityPlot(first));
}

main(process.argv.slice(2));
