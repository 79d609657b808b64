// Entry of scripts/bench-drs: what an entitlement pass and a pass of DRS take, and how they grow.
import { writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { parseArgs } from "node:util";
import { monotonicClock } from "../../../src/base/clock.js";
import { table } from "../../../src/cli/table.js";
import { buffersOf } from "../../../src/vcenter/drs/entitlement/buffers.js";
import type { ClusterTree } from "../../../src/vcenter/drs/entitlement/cluster-tree.js";
import { type Entitlements, entitlements } from "../../../src/vcenter/drs/entitlement/entitlement.js";
import { readOrExplain, wholeNumber, wholeNumbers } from "../bench-options.js";
import { type Distribution, distributionOf } from "../distribution.js";
import { benchCluster, benchSize, flatCluster } from "./bench-cluster.js";
import { measureRunning, type RunningFigures, runningTable } from "./running.js";

const usage = `usage: node scripts/bench-drs.mjs [--vms 1000,10000,100000] [--runs 30] [--json FILE]

Measures the entitlement pass over clusters of so many VMs, on one thread, and a whole pass of DRS: reading the cluster in
stretches on the main thread, thinking in a worker thread, telling what was found.`;

/** What a pass over one cluster takes. */
interface PassFigures {
  readonly cluster: string;
  readonly vms: number;
  readonly pools: number;
  readonly time: Distribution;
  readonly treeBytesPerVm: number;
  readonly resultBytesPerVm: number;
  /** All a pass allocates, its result included. */
  readonly allocatedBytesPerVm: number;
}

const clock = monotonicClock();

function bytesOf(columns: object): number {
  return buffersOf(columns).reduce((sum, buffer) => sum + buffer.byteLength, 0);
}

function measurePass(cluster: string, tree: ClusterTree, runs: number): PassFigures {
  const vms = tree.vms.pool.length;
  const times: number[] = [];
  let result: Entitlements | undefined;
  let allocated = 0;
  // The first passes meet cold code.
  for (let run = -3; run < runs; run += 1) {
    const before = process.memoryUsage().arrayBuffers;
    const fromMs = clock.nowMs();
    result = entitlements(tree);
    const tookMs = clock.nowMs() - fromMs;
    // Less only where garbage was collected meanwhile.
    allocated = Math.max(allocated, process.memoryUsage().arrayBuffers - before);
    if (run >= 0) times.push(tookMs);
  }
  return { cluster, vms, pools: tree.pools.parent.length - 1, time: distributionOf(times), treeBytesPerVm: bytesOf(tree) / vms, resultBytesPerVm: bytesOf(result ?? {}) / vms, allocatedBytesPerVm: allocated / vms };
}

function report(figures: readonly PassFigures[]): string {
  return table(
    ["entitlement pass", "VMs", "pools", "p50 ms", "p99 ms", "us a VM", "tree B a VM", "result B a VM", "allocated B a VM"],
    figures.map(({ cluster, vms, pools, time, treeBytesPerVm, resultBytesPerVm, allocatedBytesPerVm }) => [
      cluster, String(vms), String(pools), time.p50Ms.toFixed(2), time.p99Ms.toFixed(2), ((time.p50Ms * 1000) / vms).toFixed(3), treeBytesPerVm.toFixed(0), resultBytesPerVm.toFixed(0), allocatedBytesPerVm.toFixed(0),
    ]),
  );
}

interface DrsBenchOptions {
  readonly vms: readonly number[];
  readonly runs: number;
  readonly json: string | undefined;
}

function readOptions(): DrsBenchOptions | "help" {
  const { values } = parseArgs({ options: { vms: { type: "string", default: "1000,10000,100000" }, runs: { type: "string", default: "30" }, json: { type: "string" }, help: { type: "boolean", default: false } } });
  if (values.help) return "help";
  return { vms: wholeNumbers("--vms", values.vms), runs: wholeNumber("--runs", values.runs), json: values.json };
}

async function main(): Promise<void> {
  const options = readOrExplain(usage, readOptions);
  if (options === "help") process.stdout.write(`${usage}\n`);
  if (options === undefined || options === "help") return;
  const { vms: sizes, runs, json } = options;
  process.stderr.write(`bench: ${cpus().length} × ${cpus()[0]?.model ?? "unknown"}, Node ${process.version}, load average ${(loadavg()[0] ?? 0).toFixed(1)}\n`);
  const figures = sizes.map((vms) => measurePass("pools four deep", benchCluster(benchSize(vms)), runs));
  figures.push(measurePass("all beside one another", flatCluster(Math.max(...sizes)), runs));
  process.stdout.write(report(figures));
  const running: RunningFigures[] = [];
  for (const vms of sizes) running.push(await measureRunning(benchSize(vms), runs));
  process.stdout.write(`\n${runningTable(running)}`);
  if (json !== undefined) writeFileSync(json, `${JSON.stringify({ entitlement: figures, running }, undefined, 2)}\n`);
}

await main();
