import type { Clock } from "../../../src/base/clock.js";
import type { Resource } from "../../../src/vcenter/drs/amount.js";
import type { Unserved } from "./load-meter.js";
import { LEANINGS, mixedSet } from "./mixed-set.js";
import type { QualityOptions } from "./options.js";
import { PLACERS } from "./placers.js";
import { replay, type ReplayFigures } from "./replay.js";
import { type TraceFiles, traceSet } from "./trace-set.js";
import { isPod, type Workload } from "./workload.js";

/** Hosts on which the trace's pods are a load: some 780 of 980 cores are requested at its peak. */
const TRACE_HOSTS = 12;

/** One workload under every placer. */
export interface SetFigures {
  readonly set: string;
  readonly isMixed: boolean;
  readonly seed: number;
  readonly hosts: number;
  readonly pods: number;
  readonly vms: number;
  readonly rules: number;
  readonly hours: number;
  readonly placers: readonly ReplayFigures[];
}

/** All of a run: the sets with the first seed first. */
export interface QualityFigures {
  readonly options: Pick<QualityOptions, "seed" | "seeds" | "hosts">;
  readonly sets: readonly SetFigures[];
  /** The mixed sets with the seeds that follow. */
  readonly otherSeeds: readonly SetFigures[];
}

/** Replays everything. `say` gets lines of progress. */
export function measureQuality(options: QualityOptions, trace: TraceFiles | undefined, clock: Clock, say: (line: string) => void): QualityFigures {
  const { seed, seeds, hosts } = options;
  const run = (workload: Workload, withSeed: number): SetFigures => {
    say(`${workload.name}, seed ${withSeed}`);
    return setFigures(workload, withSeed, clock);
  };
  // The first replays meet cold code, which must not count against the placer that happens to be first.
  for (const placer of PLACERS) replay(mixedSet({ hosts: 8, leaning: "cpu", seed }), placer, seed, clock);
  const mixed = (withSeed: number): SetFigures[] => LEANINGS.map((leaning) => run(mixedSet({ hosts, leaning, seed: withSeed }), withSeed));
  const sets = mixed(seed);
  if (trace !== undefined) for (const traceHosts of [TRACE_HOSTS, undefined]) sets.push(run(traceSet(trace, seed, traceHosts), seed));
  const otherSeeds = Array.from({ length: seeds - 1 }, (_, index) => mixed(seed + 1 + index)).flat();
  return { options: { seed, seeds, hosts }, sets, otherSeeds };
}

function setFigures(workload: Workload, seed: number, clock: Clock): SetFigures {
  const pods = workload.guests.filter(isPod).length;
  const vms = workload.guests.length - pods;
  // Where there is no ordinary VM, DRS has nothing to move.
  const placers = PLACERS.filter((name) => vms > 0 || name !== "DRS, running");
  return { set: workload.name, isMixed: vms > 0, seed, hosts: workload.hosts.length, pods, vms, rules: workload.rules.length, hours: workload.endS / 3600, placers: placers.map((name) => replay(workload, name, seed, clock)) };
}

/** What was not given, by hosts that were short and by refusal, as a part of all that was wanted. */
export function unservedPart({ demand, short, refused }: Unserved, resource: Resource): number {
  return demand[resource] === 0 ? 0 : (short[resource] + refused[resource]) / demand[resource];
}

/** The mean of both resources: what placers are compared by. */
export function unservedMean({ unserved }: Pick<ReplayFigures, "unserved">): number {
  return (unservedPart(unserved, "cpuMhz") + unservedPart(unserved, "memoryMb")) / 2;
}

/** What speaks against DRS, a line each; nothing when it left less unserved on every mixed set than both others, and no rule was broken. */
export function objections({ sets, otherSeeds }: QualityFigures): string[] {
  return [...sets, ...otherSeeds].flatMap(({ set, isMixed, seed, placers }) => {
    const broken = placers.filter(({ ruleViolations }) => ruleViolations > 0).map(({ placer, ruleViolations }) => `${set}, seed ${seed}: ${placer} broke rules ${ruleViolations} times`);
    const drs = placers.find(({ placer }) => placer === "DRS");
    const better = placers.filter(({ placer }) => placer === "first fit" || placer === "LeastAllocated").filter((other) => isMixed && drs !== undefined && unservedMean(other) <= unservedMean(drs));
    return [...broken, ...better.map(({ placer }) => `${set}, seed ${seed}: DRS leaves no less unserved than ${placer}`)];
  });
}
