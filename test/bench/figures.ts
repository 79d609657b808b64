import { cpus, loadavg, totalmem } from "node:os";
import { monotonicClock } from "../../src/base/clock.js";
import type { ReadyLine } from "../../src/base/ready-line.js";
import type { RestClient } from "../../src/kubernetes/rest-client.js";
import { EtcdClient } from "../../src/rpc/etcd-client.js";
import { administrator } from "../support/administrator.js";
import { withEmulator } from "../support/running-emulator.js";
import { type Calls, durableTxns, wireCounts } from "../support/wire-counts.js";
import { type BareLoops, bareLoops } from "./bare-loops.js";
import { type ProfileSummary, profilingOptions, summarizeProfiles } from "./cpu-profile.js";
import { type Distribution, distributionOf } from "./distribution.js";
import type { BenchOptions } from "./options.js";
import { loadPods } from "./pod-load.js";
import { cpuSince, type ProcessUses, processUses } from "./process-use.js";
import { demoMs, startUpMs } from "./start-up.js";

/** Figures by process. */
export type ByProcess = Readonly<Record<string, number>>;

/** What one wave of pods cost. */
export interface Wave {
  readonly podsPerSecond: number;
  readonly createToRunning: Distribution;
  readonly cpuMsPerPod: ByProcess;
  /** Unary calls that the pod waits for, by method. */
  readonly callsPerPod: Calls;
  /** Events, heartbeats and the like. */
  readonly backgroundCallsPerPod: Calls;
  /** Durable Txns that the pod waits for, by prefix of their keys. */
  readonly txnsPerPod: Calls;
  readonly backgroundTxnsPerPod: Calls;
  /** Calls of the store, those that lost a race included. */
  readonly storeCallsPerPod: Calls;
  readonly storeCommitsPerPod: number;
  readonly hostCommitsPerPod: number;
  readonly hostSyncsPerPod: number;
  readonly residentMbAfter: ByProcess;
}

/** All figures of one run. */
export interface Figures {
  readonly machine: { readonly node: string; readonly cpu: string; readonly cores: number; readonly memoryMb: number; readonly loadAverage: number };
  readonly options: BenchOptions;
  readonly startUp: { readonly runsMs: readonly number[]; readonly medianMs: number; readonly aimMs: 1500 };
  readonly demo: { readonly ms: number; readonly aimMs: 5000 };
  readonly residentMbIdle: ByProcess;
  /** Ten pods one after the other: what a pod takes when nothing else is asked. */
  readonly alone: Distribution;
  readonly waves: readonly Wave[];
  readonly bare: BareLoops;
  readonly ratios: {
    /** CPU of a pod in the last wave over CPU of as many bare unary calls as it made in all. */
    readonly cpuOfPodToItsBareCalls: number;
    /** Durable Txns a second in the last wave over bare fsyncs a second: what group commit makes of the disk. */
    readonly txnsToBareFsyncs: number;
  };
  readonly profiles: readonly ProfileSummary[];
}

const startUps = 3;
const alonePods = 10;
const causes = 8;

/** Measures everything. `say` gets lines of progress. */
export async function measure(options: BenchOptions, say: (line: string) => void): Promise<Figures> {
  const machine = { node: process.version, cpu: cpus()[0]?.model ?? "unknown", cores: cpus().length, memoryMb: Math.round(totalmem() / 2 ** 20), loadAverage: loadavg()[0] ?? 0 };
  say("bare loops: unary calls, fsyncs");
  const bare = await bareLoops();
  const runsMs: number[] = [];
  for (let run = 1; run <= startUps; run++) {
    say(`start-up ${run} of ${startUps}`);
    runsMs.push(await startUpMs());
  }
  say("demo -- --exit");
  const demo = { ms: await demoMs(), aimMs: 5000 } as const;
  const loaded = await measureLoad(options, say);
  const last = loaded.waves[loaded.waves.length - 1] as Wave;
  return {
    machine,
    options,
    startUp: { runsMs, medianMs: [...runsMs].sort((a, b) => a - b)[startUps >> 1] ?? Number.NaN, aimMs: 1500 },
    demo,
    ...loaded,
    bare,
    ratios: {
      cpuOfPodToItsBareCalls: total(last.cpuMsPerPod) / (bare.unaryCall.cpuMs * (total(last.callsPerPod) + total(last.backgroundCallsPerPod) + total(last.storeCallsPerPod))),
      txnsToBareFsyncs: (last.podsPerSecond * (total(last.txnsPerPod) + total(last.backgroundTxnsPerPod))) / bare.fsync.perSecond,
    },
  };
}

/** The sum of figures by name. */
export function total(figures: Readonly<Record<string, number>>): number {
  return Object.values(figures).reduce((sum, figure) => sum + figure, 0);
}

async function measureLoad(options: BenchOptions, say: (line: string) => void): Promise<Pick<Figures, "residentMbIdle" | "alone" | "waves" | "profiles">> {
  const { pods, hosts, profile, cpuProfile } = options;
  say(`starting ${hosts} hosts, profile ${profile}`);
  const names = new Map<number, string>();
  const loaded = await withEmulator(
    ["--hosts", String(hosts), "--profile", profile],
    async ({ ready }) => {
      const idle = processUses(ready);
      for (const [name, { pid }] of Object.entries(idle)) names.set(pid, name);
      const client = administrator(ready);
      const etcd = new EtcdClient({ endpoints: [ready.endpoints["etcd"] ?? ""] });
      try {
        say(`${alonePods} pods one after the other`);
        const alone = await loadPods(client, podNames("alone", alonePods), "one-by-one", () => undefined);
        const waves: Wave[] = [];
        for (let wave = 1; wave <= options.waves; wave++) waves.push(await measureWave(ready, client, etcd, podNames(`wave-${wave}`, pods), (running) => {
          if (running % Math.ceil(pods / 4) === 0) say(`wave ${wave} of ${options.waves}: ${running} of ${pods} pods run`);
        }));
        return { residentMbIdle: residentMb(idle), alone: distributionOf(alone.createToRunningMs), waves };
      } finally {
        etcd.close();
        await client.close();
      }
    },
    cpuProfile === undefined ? [] : profilingOptions(cpuProfile),
  );
  return { ...loaded, profiles: cpuProfile === undefined ? [] : summarizeProfiles(cpuProfile, names, causes) };
}

async function measureWave(ready: ReadyLine, client: RestClient, etcd: EtcdClient, names: readonly string[], progress: (running: number) => void): Promise<Wave> {
  const perPod = (counts: Calls): Calls => Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, count / names.length]));
  const useBefore = processUses(ready);
  const countsBefore = await wireCounts(ready, client);
  const { revision: from } = await etcd.range({ key: "/" });
  const load = await loadPods(client, names, "together", progress);
  // Events and journal are written behind the pods; they belong to their cost.
  await monotonicClock().sleep(1_000);
  const { revision: to } = await etcd.range({ key: "/" });
  const counts = (await wireCounts(ready, client)).since(countsBefore);
  const useAfter = processUses(ready);
  const txns = await durableTxns(etcd, from, to);
  return {
    podsPerSecond: (names.length / load.totalMs) * 1000,
    createToRunning: distributionOf(load.createToRunningMs),
    cpuMsPerPod: cpuSince(useBefore, useAfter, names.length),
    callsPerPod: perPod(counts.criticalPath),
    backgroundCallsPerPod: perPod(counts.background),
    txnsPerPod: perPod(txns.criticalPath),
    backgroundTxnsPerPod: perPod(txns.background),
    storeCallsPerPod: perPod(counts.store),
    storeCommitsPerPod: counts.storeCommits / names.length,
    hostCommitsPerPod: counts.hostCommits / names.length,
    hostSyncsPerPod: counts.hostSyncs / names.length,
    residentMbAfter: residentMb(useAfter),
  };
}

function podNames(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}-${index}`);
}

function residentMb(uses: ProcessUses): ByProcess {
  return Object.fromEntries(Object.entries(uses).map(([name, use]) => [name, use.residentMb]));
}
