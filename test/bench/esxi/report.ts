import { cpus, loadavg, totalmem } from "node:os";
import { table } from "../../../src/cli/table.js";
import type { BareLoops } from "../bare-loops.js";
import type { ProfileSummary } from "../cpu-profile.js";
import { type ByProcess, total } from "../figures.js";
import { profileText } from "../report.js";
import type { Burst } from "./burst.js";
import type { IdleHosts } from "./idle-hosts.js";
import type { EsxiBenchOptions } from "./options.js";
import type { OwnPart, OwnWave } from "./own-part.js";
import type { PodMemory } from "./pod-memory.js";
import type { Watches } from "./watches.js";

/** All figures of one run. */
export interface EsxiFigures {
  readonly machine: { readonly node: string; readonly cpu: string; readonly cores: number; readonly memoryMb: number; readonly loadAverage: number };
  readonly options: EsxiBenchOptions;
  readonly bare: BareLoops;
  readonly bursts: readonly Burst[];
  readonly own: OwnPart | undefined;
  readonly memory: PodMemory | undefined;
  readonly idle: IdleHosts | undefined;
  readonly profiles: readonly ProfileSummary[];
}

/** What the figures are to be. */
const aims = { burstMs: 2_000, heldBytesPerPod: 60_000, idleCpuPercent: 10, idleResidentMb: 300 } as const;

/** The machine as it is now. */
export function machine(): EsxiFigures["machine"] {
  return { node: process.version, cpu: cpus()[0]?.model ?? "unknown", cores: cpus().length, memoryMb: Math.round(totalmem() / 2 ** 20), loadAverage: loadavg()[0] ?? 0 };
}

/** The figures as tables for a reader. */
export function esxiReport(figures: EsxiFigures): string {
  const { machine: on, bare, bursts, own, memory, idle, profiles } = figures;
  return [
    `${on.cores} × ${on.cpu}, ${on.memoryMb} MB, Node ${on.node}, load average ${on.loadAverage.toFixed(1)} at the end`,
    `a bare unary call takes ${bare.unaryCall.cpuMs.toFixed(3)} ms of CPU, both ends; ${bare.fsync.perSecond.toFixed(0)} bare fsyncs/s\n`,
    ...(bursts.length === 0 ? [] : [burstTable(figures)]),
    ...(own === undefined ? [] : [ownTable(own, figures), watchTable(own.watches)]),
    ...(memory === undefined ? [] : [memoryTable(memory)]),
    ...(idle === undefined ? [] : [idleTable(idle)]),
    ...profiles.map(profileText),
  ].join("\n");
}

/** CPU of a pod in units of a bare unary call of the same run. */
function inBareCalls(cpuMs: ByProcess, bare: BareLoops): string {
  return (total(cpuMs) / bare.unaryCall.cpuMs).toFixed(0);
}

function burstTable({ bursts, options, bare }: EsxiFigures): string {
  const row = (title: string, of: (burst: Burst) => string, aim = ""): string[] => [title, ...bursts.map(of), aim];
  return table([`${options.pods} pods placed at once`, ...bursts.map((_, index) => `wave ${index + 1}`), "aim"], [
    row("last Ready, ms", ({ lastReadyMs }) => lastReadyMs.toFixed(0), `under ${aims.burstMs}`),
    row("create to Ready, p50 ms", ({ createToReady }) => createToReady.p50Ms.toFixed(0)),
    ...cpuRows(bursts),
    row("the same in bare calls", ({ cpuMsPerPod }) => inBareCalls(cpuMsPerPod, bare)),
    row("CPU ms/pod behind it: events, journal", ({ laterCpuMsPerPod }) => total(laterCpuMsPerPod).toFixed(2)),
  ]);
}

function ownTable({ waves }: OwnPart, { options, bare }: EsxiFigures): string {
  const row = (title: string, of: (wave: OwnWave) => string, aim = ""): string[] => [title, ...waves.map(of), aim];
  return table([`${options.pods} bound pods, ESXi process's part`, ...waves.map((_, index) => `wave ${index + 1}`), "aim"], [
    row("first CreateVm to last Ready, ms", ({ lastReadyMs }) => lastReadyMs.toFixed(0), `under ${aims.burstMs}`),
    row("CreateVm to Ready, p50 ms", ({ createVmToReady }) => createVmToReady.p50Ms.toFixed(0)),
    ...cpuRows(waves),
    row("the same in bare calls", ({ cpuMsPerPod }) => inBareCalls(cpuMsPerPod, bare)),
  ]);
}

function cpuRows(waves: readonly { readonly cpuMsPerPod: ByProcess }[]): string[][] {
  const names = Object.keys(waves[0]?.cpuMsPerPod ?? {});
  return [
    ...names.map((name) => [`CPU ms/pod, ${name}`, ...waves.map(({ cpuMsPerPod }) => (cpuMsPerPod[name] ?? 0).toFixed(2)), ""]),
    ["CPU ms/pod, all", ...waves.map(({ cpuMsPerPod }) => total(cpuMsPerPod).toFixed(2)), ""],
  ];
}

function watchTable({ apiserver, esxi }: Watches): string {
  const listed = (counts: Readonly<Record<string, number>>): string => Object.entries(counts).map(([name, count]) => `${name} ${count}`).join(", ");
  return table(["streams the ESXi process follows", "count", "of which"], [
    ["watches of the API server", String(total(apiserver)), listed(apiserver)],
    ["of HostD and agents", String(total(esxi)), listed(esxi)],
  ]);
}

function memoryTable({ readings, heldBytesPerPod, residentBytesPerPod }: PodMemory): string {
  return table(["ESXi process, garbage collected", ...readings.map(({ pods }) => `${pods} pods`), "a pod", "aim"], [
    ["heap and buffers, MB", ...readings.map(({ heldMb }) => heldMb.toFixed(1)), `${(heldBytesPerPod / 1000).toFixed(1)} KB`, `under ${aims.heldBytesPerPod / 1000} KB`],
    ["resident, MB", ...readings.map(({ residentMb }) => residentMb.toFixed(0)), `${(residentBytesPerPod / 1000).toFixed(1)} KB`, ""],
  ]);
}

function idleTable({ hosts, seconds, cpuPercent, residentMb, requestsPerSecond, cpuMsPerRenewal }: IdleHosts): string {
  const processes = Object.keys(cpuPercent);
  const requests = Object.entries(requestsPerSecond).sort((a, b) => b[1] - a[1]).filter(([, count]) => count >= 0.05);
  return table([`${hosts} idle hosts for ${seconds.toFixed(0)} s`, ...processes, "aim of esxi"], [
    ["CPU, % of a core", ...processes.map((name) => (cpuPercent[name] ?? 0).toFixed(1)), `under ${aims.idleCpuPercent}`],
    ["resident, MB", ...processes.map((name) => String(residentMb[name])), `under ${aims.idleResidentMb}`],
    ["CPU ms a renewal", ...processes.map((name) => (cpuMsPerRenewal[name] ?? 0).toFixed(2)), ""],
    [`requests/s: ${requests.map(([name, count]) => `${name} ${count.toFixed(1)}`).join(", ")}`, ...processes.map(() => ""), ""],
  ]);
}
