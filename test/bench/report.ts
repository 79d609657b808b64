import { table } from "../../src/cli/table.js";
import type { Calls } from "../support/wire-counts.js";
import type { ProfileSummary } from "./cpu-profile.js";
import { type Figures, total, type Wave } from "./figures.js";

/** The figures as tables for a reader. */
export function reportText(figures: Figures): string {
  const { machine, options, startUp, demo, alone, waves, bare, ratios, residentMbIdle } = figures;
  const last = waves[waves.length - 1] as Wave;
  const processes = Object.keys(residentMbIdle);
  const perWave = (title: string, value: (wave: Wave) => number, digits = 1): string[] => [title, ...waves.map((wave) => value(wave).toFixed(digits))];
  const waveNames = waves.map((_, index) => `wave ${index + 1}`);
  return [
    `${machine.cores} × ${machine.cpu}, ${machine.memoryMb} MB, Node ${machine.node}, load average ${machine.loadAverage.toFixed(1)} at the start`,
    `${options.pods} pods at once on ${options.hosts} hosts, latency profile ${options.profile}; wave 1 meets cold code\n`,
    table(["figure", "value", "aim"], [
      ["start-up to the ready line", `${startUp.medianMs.toFixed(0)} ms (median of ${startUp.runsMs.map((ms) => ms.toFixed(0)).join(", ")})`, `under ${startUp.aimMs} ms`],
      ["demo -- --exit", `${demo.ms.toFixed(0)} ms`, `under ${demo.aimMs} ms`],
      ["create to Running, one pod at a time", `p50 ${alone.p50Ms.toFixed(0)} ms, worst ${alone.maxMs.toFixed(0)} ms`],
    ]),
    table(["through all fourteen steps", ...waveNames], [
      perWave("pods/s", (wave) => wave.podsPerSecond),
      perWave("create to Running, p50 ms", (wave) => wave.createToRunning.p50Ms, 0),
      perWave("create to Running, p99 ms", (wave) => wave.createToRunning.p99Ms, 0),
      ...processes.map((name) => perWave(`CPU ms/pod, ${name}`, (wave) => wave.cpuMsPerPod[name] ?? 0, 2)),
      perWave("CPU ms/pod, all", (wave) => total(wave.cpuMsPerPod), 2),
    ]),
    table(["resident MB", "idle", ...waves.map((_, index) => `after wave ${index + 1}`)], processes.map((name) => [name, String(residentMbIdle[name]), ...waves.map((wave) => String(wave.residentMbAfter[name]))])),
    table([`per pod, wave ${waves.length}`, "count", "budget", "of which"], [
      ["unary calls it waits for", total(last.callsPerPod).toFixed(2), "12", listed(last.callsPerPod)],
      ["other unary calls", total(last.backgroundCallsPerPod).toFixed(2), "", listed(last.backgroundCallsPerPod)],
      ["durable Txns it waits for", total(last.txnsPerPod).toFixed(2), "8", listed(last.txnsPerPod)],
      ["other durable Txns", total(last.backgroundTxnsPerPod).toFixed(2), "", listed(last.backgroundTxnsPerPod)],
      ["calls of the store", total(last.storeCallsPerPod).toFixed(2), "", listed(last.storeCallsPerPod)],
      ["synced writes of the store", last.storeCommitsPerPod.toFixed(2), "", "Txns that meet share one"],
      ["host disk commits", last.hostCommitsPerPod.toFixed(2), "3", `in ${last.hostSyncsPerPod.toFixed(2)} synced writes`],
    ]),
    table(["beside bare loops of this run", "value"], [
      ["bare unary calls/s", `${bare.unaryCall.perSecond.toFixed(0)} (${bare.unaryCall.cpuMs.toFixed(3)} CPU ms each, both ends)`],
      ["bare fsyncs/s", bare.fsync.perSecond.toFixed(0)],
      ["CPU of a pod / CPU of as many bare unary calls", ratios.cpuOfPodToItsBareCalls.toFixed(2)],
      ["durable Txns/s / bare fsyncs/s", ratios.txnsToBareFsyncs.toFixed(2)],
    ]),
    ...figures.profiles.map(profileText),
  ].join("\n");
}

function listed(calls: Calls): string {
  return Object.entries(calls).sort((a, b) => b[1] - a[1]).filter(([, count]) => count >= 0.005).map(([name, count]) => `${name} ${Number(count.toFixed(2))}`).join(", ");
}

/** Where a process spent its time. */
export function profileText({ process, busyMs, parts, functions }: ProfileSummary): string {
  const row = (kind: string, { name, selfMs, share }: ProfileSummary["parts"][number]): string[] => [kind, `${selfMs} ms`, `${(share * 100).toFixed(1)} %`, name];
  return table([`profile of ${process}`, "self", `of ${busyMs} ms`, "where"], [...parts.map((cause) => row("part", cause)), ...functions.map((cause) => row("function", cause))]);
}
