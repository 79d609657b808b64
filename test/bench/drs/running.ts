import { setImmediate as soon } from "node:timers";
import { monotonicClock } from "../../../src/base/clock.js";
import { silentLogger } from "../../../src/base/log.js";
import { table } from "../../../src/cli/table.js";
import { drsPass } from "../../../src/vcenter/drs/pass/drs-pass.js";
import { HostRole } from "../../../src/vcenter/drs/pass/pass-input.js";
import { PassThread } from "../../../src/vcenter/drs/pass/pass-thread.js";
import { DrsPasses } from "../../../src/vcenter/drs-running/drs-passes.js";
import { takeSnapshot } from "../../../src/vcenter/drs-running/snapshot.js";
import { EventLog } from "../../../src/vcenter/events/event-log.js";
import { RuleTable } from "../../../src/vcenter/clusters/rule-table.js";
import { type Distribution, distributionOf } from "../distribution.js";
import { BENCH_CLUSTER, benchInventory } from "./bench-inventory.js";
import type { BenchSize } from "./bench-cluster.js";

/** What DRS running takes on one cluster. */
export interface RunningFigures extends BenchSize {
  /** Reading the cluster on the main thread, from begin to end. */
  readonly snapshot: Distribution;
  /** The longest the main thread does nothing else meanwhile, in each run. */
  readonly stretch: Distribution;
  /** Thinking, in the worker thread. */
  readonly pass: Distribution;
  /** Thinking while half of the hosts must be empty. */
  readonly evacuation: Distribution;
  /** From asking for a pass to having told what it found; the main thread is free but for stretches. */
  readonly whole: Distribution;
  /** The longest stretch of the main thread in a whole pass. */
  readonly wholeStretch: Distribution;
  readonly moves: number;
}

const clock = monotonicClock();

/** Measures DRS running over an inventory of such a size. */
export async function measureRunning(size: BenchSize, runs: number): Promise<RunningFigures> {
  const inventory = benchInventory(size, clock);
  const rules = new RuleTable();
  const tasks = { holderOf: () => undefined };
  const thread = new PassThread(clock);
  const passes = new DrsPasses({ inventory, rules, tasks, run: (input) => thread.run(input), clock, events: new EventLog(clock, inventory), epoch: 1n, log: silentLogger, closing: new AbortController().signal, onPass: () => undefined });
  const times = { snapshot: [] as number[], stretch: [] as number[], pass: [] as number[], evacuation: [] as number[], whole: [] as number[], wholeStretch: [] as number[] };
  let moves = 0;
  for (let run = -2; run < runs; run += 1) {
    const snapshot = await timed(() => takeSnapshot({ inventory, rules, tasks }, BENCH_CLUSTER, { threshold: 3, turn: run + 2 }));
    const pass = timedHere(() => drsPass(snapshot.value.input));
    snapshot.value.input.hosts.role.fill(HostRole.EVACUATES, 0, Math.floor(size.hosts / 2));
    const evacuation = timedHere(() => drsPass(snapshot.value.input));
    const whole = await timed(() => passes.refresh(BENCH_CLUSTER));
    moves = whole.value.recommendations.length;
    if (run < 0) continue;
    times.snapshot.push(snapshot.tookMs);
    times.stretch.push(snapshot.longestMs);
    times.pass.push(pass);
    times.evacuation.push(evacuation);
    times.whole.push(whole.tookMs);
    times.wholeStretch.push(whole.longestMs);
  }
  await thread.close();
  const { snapshot, stretch, pass, evacuation, whole, wholeStretch } = times;
  return { ...size, snapshot: distributionOf(snapshot), stretch: distributionOf(stretch), pass: distributionOf(pass), evacuation: distributionOf(evacuation), whole: distributionOf(whole), wholeStretch: distributionOf(wholeStretch), moves };
}

/** The figures as a table. */
export function runningTable(figures: readonly RunningFigures[]): string {
  const both = ({ p50Ms, p99Ms }: Distribution): string => `${p50Ms.toFixed(1)} / ${p99Ms.toFixed(1)}`;
  return table(
    ["DRS running, p50 / p99 ms", "hosts", "snapshot", "its longest stretch", "pass", "pass, half evacuated", "all", "its longest stretch", "moves"],
    figures.map((each) => [String(each.vms), String(each.hosts), both(each.snapshot), both(each.stretch), both(each.pass), both(each.evacuation), both(each.whole), both(each.wholeStretch), String(each.moves)]),
  );
}

function timedHere(work: () => unknown): number {
  const fromMs = clock.nowMs();
  work();
  return clock.nowMs() - fromMs;
}

/** Time of the work, and the longest that nothing else had its turn meanwhile. */
async function timed<T>(work: () => Promise<T>): Promise<{ readonly value: T; readonly tookMs: number; readonly longestMs: number }> {
  const fromMs = clock.nowMs();
  let lastMs = fromMs;
  let longestMs = 0;
  let over = false;
  const look = (): void => {
    const nowMs = clock.nowMs();
    longestMs = Math.max(longestMs, nowMs - lastMs);
    lastMs = nowMs;
    if (!over) soon(look);
  };
  soon(look);
  const value = await work();
  const tookMs = clock.nowMs() - fromMs;
  over = true;
  look();
  return { value, tookMs, longestMs };
}
