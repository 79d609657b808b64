// Entry of scripts/bench-placement: how long DRS takes over a placement, and how that grows with the cluster.
import { cpus, loadavg } from "node:os";
import { parseArgs } from "node:util";
import { table } from "../../../src/cli/table.js";
import { readOrExplain, wholeNumber, wholeNumbers } from "../bench-options.js";
import type { Cost } from "./cost.js";
import { measureSize, type SizeFigures } from "./decisions.js";

const usage = `usage: node scripts/bench-placement.mjs [--hosts 64,256,1000,5000] [--decisions 1000] [--json]

Whole decisions of vCenter in this process: resolve, admission of HA and pool, every host, score, hold. No network, no disk; the last rows add a loopback connection.`;

interface SpeedOptions {
  readonly hosts: readonly number[];
  readonly decisions: number;
  readonly json: boolean;
}

await main();

async function main(): Promise<void> {
  const options = readOrExplain(usage, readOptions);
  if (options === "help") process.stdout.write(`${usage}\n`);
  else if (options !== undefined) await run(options);
}

function readOptions(): SpeedOptions | "help" {
  const { values } = parseArgs({
    options: { hosts: { type: "string", default: "64,256,1000,5000" }, decisions: { type: "string", default: "1000" }, json: { type: "boolean", default: false }, help: { type: "boolean", default: false } },
  });
  if (values.help) return "help";
  return { hosts: wholeNumbers("--hosts", values.hosts), decisions: wholeNumber("--decisions", values.decisions), json: values.json };
}

async function run({ hosts: sizes, decisions, json }: SpeedOptions): Promise<void> {
  const figures: SizeFigures[] = [];
  for (const hosts of sizes) {
    process.stderr.write(`bench: ${hosts} hosts\n`);
    figures.push(await measureSize(hosts, decisions));
  }
  process.stdout.write(json ? `${JSON.stringify(figures, undefined, 2)}\n` : text(figures));
}

function text(figures: readonly SizeFigures[]): string {
  const rows: readonly (readonly [string, (size: SizeFigures) => Cost])[] = [
    ["PlaceVm, whole cluster, no verdicts", (size) => size.single],
    ["PlaceVm, a verdict line each host", (size) => size.summary],
    ["PlaceVm, every host named", (size) => size.listed],
    ["PlaceVm, no host will do", (size) => size.refused],
    ["a pod of a batch of 64", (size) => size.batchPod],
    ["PlaceVm over RPC, CPU of both ends", (size) => size.rpc],
    ["the same, every host named", (size) => size.rpcListed],
  ];
  return [
    `${cpus().length} × ${cpus()[0]?.model ?? "unknown"}, Node ${process.version}, load average ${(loadavg()[0] ?? 0).toFixed(1)}\n`,
    table(["ms: p50, p99 (CPU mean, p99)", ...figures.map((size) => `${size.hosts} hosts, ${size.vms} VMs`)], rows.map(([name, of]) => [name, ...figures.map((size) => costText(of(size)))])),
    table(["memory", ...figures.map((size) => `${size.hosts} hosts`)], [["bytes a VM, hosts included", ...figures.map((size) => size.bytesPerVm.toFixed(0))]]),
  ].join("\n");
}

function costText({ clock, cpu, meanCpuMs }: Cost): string {
  return `${clock.p50Ms.toFixed(2)}, ${clock.p99Ms.toFixed(2)} (${meanCpuMs.toFixed(2)}, ${cpu.p99Ms.toFixed(2)})`;
}
