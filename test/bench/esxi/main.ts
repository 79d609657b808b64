// Entry of scripts/bench-esxi: what the process of the ESXi hosts takes for pods and hosts.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type RunningEmulator, withEmulator } from "../../support/running-emulator.js";
import { type BareLoops, bareLoops } from "../bare-loops.js";
import { readOrExplain } from "../bench-options.js";
import { profilingOptions, summarizeProfiles } from "../cpu-profile.js";
import { processUses } from "../process-use.js";
import { measureBursts } from "./burst.js";
import { heapProbeOptions, heapProbeVariable } from "./heap.js";
import { measureIdleHosts } from "./idle-hosts.js";
import { type EsxiBenchOptions, type Part, readEsxiOptions, usage } from "./options.js";
import { besideRooms, measureOwnPart } from "./own-part.js";
import { measurePodMemory } from "./pod-memory.js";
import { type EsxiFigures, esxiReport, machine } from "./report.js";

/** A Node takes 110 pods, as a kubelet does: a thousand fit into sixteen hosts, and the pods of all waves, which stay, into eight as long as they are no more than 800. */
const leastBurstHosts = 8;
const burstPodsPerHost = 100;
const memoryPodsPerHost = 64;
const causes = 12;

const say = (line: string): void => void process.stderr.write(`bench: ${line}\n`);

await main();

async function main(): Promise<void> {
  const options = readOrExplain(usage, () => readEsxiOptions(process.argv.slice(2)));
  if (options === "help") process.stdout.write(`${usage}\n`);
  if (options === undefined || options === "help") return;
  if (options.cpuProfile !== undefined) mkdirSync(options.cpuProfile, { recursive: true });
  say("bare loops: unary calls, fsyncs");
  const bare = await bareLoops();
  const figures = await measure(options, bare);
  process.stdout.write(esxiReport(figures));
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(figures, undefined, 2)}\n`);
}

async function measure(options: EsxiBenchOptions, bare: BareLoops): Promise<EsxiFigures> {
  const { pods, waves, memoryPods, hosts, idleSeconds } = options;
  const profiles: EsxiFigures["profiles"][number][] = [];
  const wants = (part: Part): boolean => options.parts.includes(part);
  const emulated = async <T>(part: Part, flags: readonly string[], work: (running: RunningEmulator) => Promise<T>, nodeOptions: readonly string[] = []): Promise<T> => {
    say(`${part}: starting ${flags.join(" ")}`);
    const names = new Map<number, string>();
    const directory = options.cpuProfile === undefined ? undefined : join(options.cpuProfile, part);
    if (directory !== undefined) mkdirSync(directory, { recursive: true });
    const running = ["store", "esxi", "vsphere", "kubernetes"].filter((plane) => plane !== "vsphere" || part !== "own");
    const result = await withEmulator(
      ["--profile", "instant", ...flags],
      async (emulator) => {
        for (const [name, { pid }] of Object.entries(processUses(emulator.ready, running))) names.set(pid, `${name}, part ${part}`);
        return work(emulator);
      },
      [...nodeOptions, ...(directory === undefined ? [] : profilingOptions(directory))],
    );
    if (directory !== undefined) profiles.push(...summarizeProfiles(directory, names, causes));
    return result;
  };
  const burstHosts = Math.max(leastBurstHosts, Math.ceil((pods * waves) / burstPodsPerHost));
  const fewHosts = ["--hosts", String(burstHosts)];
  const bursts = wants("burst") ? await emulated("burst", fewHosts, ({ ready }) => measureBursts(ready, pods, waves, say)) : [];
  const own = wants("own")
    ? await emulated("own", [...fewHosts, "--without", besideRooms.join(",")], ({ ready }) => measureOwnPart(ready, hostNames(burstHosts), pods, waves, say))
    : undefined;
  const memory = wants("memory") ? await withProbe((directory) => emulated("memory", ["--hosts", String(Math.ceil(memoryPods / memoryPodsPerHost))], ({ ready }) => measurePodMemory(ready, directory, memoryPods, say), heapProbeOptions())) : undefined;
  const idle = wants("idle") ? await emulated("idle", ["--hosts", String(hosts)], ({ ready }) => measureIdleHosts(ready, hosts, idleSeconds, say)) : undefined;
  return { machine: machine(), options, bare, bursts, own, memory, idle, profiles };
}

/** A directory in which processes leave what their probes read. */
async function withProbe<T>(work: (directory: string) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), "spheresim-heap-"));
  process.env[heapProbeVariable] = directory;
  try {
    return await work(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** As the default inventory names them: `esxi-01.spheresim.test`. */
function hostNames(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `esxi-${String(index + 1).padStart(2, "0")}.spheresim.test`);
}
