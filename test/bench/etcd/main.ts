// Entry of scripts/bench-etcd: ours beside the etcd that is installed, alternating in one run, under the load of etcd's own tool.
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { table } from "../../../src/cli/table.js";
import { summarizeProfiles, profilingOptions } from "../cpu-profile.js";
import { connect, put } from "../../etcd/wire.js";
import { type Contender, startContenders } from "./contender.js";
import { buildBenchmarkTool, load, type LoadResult } from "./load-generator.js";
import { bytesPerKey, dropCheckpoint, fillDirectory, type StartUp, startUp } from "./start-up.js";
import { watchFanOut } from "./watch-fan-out.js";

const usage = `usage: node scripts/bench-etcd.mjs [--repeats 3] [--scale 1] [--cpu-profile DIR]

Measures ours and the etcd that is installed in turn, with etcd's own benchmark tool (built with Go on first use). Compare the ratios of
one run, never times of two. --scale 0.1 makes every load a tenth; --cpu-profile keeps a profile of ours and names the first causes.`;

/** A load: words for etcd's tool, and how many operations they make. */
interface LoadCase {
  readonly name: string;
  readonly clients: number;
  readonly total: number;
  readonly words: readonly string[];
}

const { values } = parseArgs({
  options: { repeats: { type: "string", default: "3" }, scale: { type: "string", default: "1" }, "cpu-profile": { type: "string" }, help: { type: "boolean", default: false } },
});

/** What the range load reads. */
const READ_KEY = "readable";
const SIZES = ["--key-size=8", "--val-size=256"];

function cases(scale: number): LoadCase[] {
  const of = (total: number): number => Math.max(1, Math.round(total * scale));
  const putCase = (name: string, connections: number, clients: number, total: number): LoadCase => ({
    name, clients, total: of(total), words: [`--conns=${connections}`, `--clients=${clients}`, "put", ...SIZES, `--total=${of(total)}`, "--key-space-size=100000", "--sequential-keys"],
  });
  const reads = of(50_000);
  return [
    putCase("durable put, 1 client", 1, 1, 3_000),
    putCase("durable put, 100 clients", 10, 100, 50_000),
    { name: "range, 100 clients", clients: 100, total: reads, words: ["--conns=10", "--clients=100", "range", "--consistency=l", `--total=${reads}`, READ_KEY] },
  ];
}

interface Measured extends LoadResult {
  readonly cpuMs: number;
}

async function measure(tool: string, contender: Contender, { words, total }: LoadCase): Promise<Measured> {
  const from = contender.cpuMs();
  const result = await load(tool, contender.address, words);
  return { ...result, cpuMs: (contender.cpuMs() - from) / total };
}

async function store(address: string, key: string, value: string): Promise<void> {
  const etcd = connect(address);
  await etcd.kv.put(put({ key, value }));
  etcd.close();
}

function median(list: readonly Measured[], value: (measured: Measured) => number): number {
  return list.map(value).sort((a, b) => a - b)[Math.floor(list.length / 2)] as number;
}

/** Starts of ours on a full directory, as etcd keeps no checkpoint to compare. */
async function measureStartUp(scale: number, repeats: number, say: (line: string) => void): Promise<void> {
  const revisions = Math.max(1, Math.round(1_000_000 * scale));
  const directory = mkdtempSync(join(tmpdir(), "spheresim-bench-start-"));
  try {
    say(`writing ${revisions} revisions of as many keys`);
    await fillDirectory(directory, revisions, revisions);
    const rows: string[][] = [];
    for (const way of ["checkpoint", "whole log"]) {
      if (way === "whole log") dropCheckpoint(directory);
      const starts: StartUp[] = [];
      for (let repeat = 0; repeat < repeats; repeat += 1) starts.push(await startUp(directory));
      const middle = (value: (start: StartUp) => number): string => (starts.map(value).sort((a, b) => a - b)[Math.floor(repeats / 2)] as number).toFixed(0);
      rows.push([`start from the ${way}`, middle(({ wallMs }) => wallMs), middle(({ cpuMs }) => cpuMs), middle(({ residentMb }) => residentMb)]);
    }
    console.log(table([`${revisions} revisions`, "wall ms", "CPU ms", "resident MB"], rows));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function main(): Promise<void> {
  if (values.help) {
    console.log(usage);
    return;
  }
  const say = (line: string): void => console.error(`bench-etcd: ${line}`);
  const tool = buildBenchmarkTool(say);
  const profiles = values["cpu-profile"];
  if (profiles !== undefined) mkdirSync(profiles, { recursive: true });
  console.log(`${cpus().length} × ${cpus()[0]?.model ?? "?"}, Node ${process.versions.node}, load average ${loadavg()[0]?.toFixed(1)} at the start, generator on the same machine`);
  // First, while nothing else in this process lets go of memory.
  console.log(`index: ${bytesPerKey(Math.round(1_000_000 * Number(values.scale))).toFixed(0)} bytes a live key of 32 bytes`);
  const contenders = await startContenders(profiles === undefined ? [] : profilingOptions(profiles));
  const rows: string[][] = [];
  try {
    for (const { address } of contenders) await store(address, READ_KEY, "x".repeat(256));
    for (const each of cases(Number(values.scale))) {
      const figures: Record<Contender["name"], Measured[]> = { etcd: [], ours: [] };
      // One that nobody counts, so that no code is cold.
      for (const contender of contenders) await measure(tool, contender, each);
      for (let repeat = 0; repeat < Number(values.repeats); repeat += 1) {
        for (const contender of contenders) figures[contender.name].push(await measure(tool, contender, each));
      }
      for (const { name } of contenders) {
        const own = figures[name];
        rows.push([each.name, name, median(own, ({ perSecond }) => perSecond).toFixed(0), median(own, ({ p50Ms }) => p50Ms).toFixed(2), median(own, ({ p99Ms }) => p99Ms).toFixed(2), median(own, ({ cpuMs }) => cpuMs).toFixed(3), name === "etcd" ? "1" : (median(own, ({ perSecond }) => perSecond) / median(figures.etcd, ({ perSecond }) => perSecond)).toFixed(2)]);
      }
      say(`${each.name} done, load average ${loadavg()[0]?.toFixed(1)}`);
    }
    console.log(table(["load", "server", "per second", "p50 ms", "p99 ms", "CPU ms each", "of etcd"], rows));
    const fans: string[][] = [];
    for (const contender of contenders) {
      const from = contender.cpuMs();
      const seconds = Math.max(1, Math.round(5 * Number(values.scale)));
      const fan = await watchFanOut(contender.address, 1_000, 1_000, seconds);
      fans.push([contender.name, fan.putsPerSecond.toFixed(0), `${fan.delivered} of ${fan.sent}`, fan.p50Ms.toFixed(1), fan.p99Ms.toFixed(1), ((contender.cpuMs() - from) / fan.sent).toFixed(3), String(contender.residentMb())]);
    }
    console.log(table(["1,000 watchers", "puts per second", "delivered", "p50 ms", "p99 ms", "CPU ms each", "resident MB"], fans));
    console.log(`load average ${loadavg()[0]?.toFixed(1)} at the end`);
  } finally {
    for (const contender of contenders) await contender.close();
  }
  await measureStartUp(Number(values.scale), Number(values.repeats), say);
  if (profiles !== undefined) {
    for (const { busyMs, parts, functions } of summarizeProfiles(profiles, undefined, 15)) {
      console.log(table(["profile of ours", "self", `of ${busyMs} ms`], [...parts, ...functions].map(({ name, selfMs, share }) => [name, `${selfMs} ms`, `${(share * 100).toFixed(1)} %`])));
    }
  }
}

await main();
