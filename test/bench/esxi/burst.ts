import { monotonicClock } from "../../../src/base/clock.js";
import type { ReadyLine } from "../../../src/base/ready-line.js";
import { administrator } from "../../support/administrator.js";
import { type Distribution, distributionOf } from "../distribution.js";
import type { ByProcess } from "../figures.js";
import { loadPods } from "../pod-load.js";
import { cpuSince, processUses } from "../process-use.js";
import { isReady, podNames } from "./pods.js";

/** What pods placed at once took. */
export interface Burst {
  /** From the first create to the last Ready. */
  readonly lastReadyMs: number;
  readonly createToReady: Distribution;
  /** Until the last was Ready. */
  readonly cpuMsPerPod: ByProcess;
  /** What was written behind them: events, journal. */
  readonly laterCpuMsPerPod: ByProcess;
}

/** So long may events and journal take that are written behind the pods. */
const behindMs = 3_000;

/** Places pods at once, through every plane, so many times. */
export async function measureBursts(ready: ReadyLine, pods: number, waves: number, say: (line: string) => void): Promise<Burst[]> {
  const client = administrator(ready);
  const bursts: Burst[] = [];
  try {
    for (let wave = 1; wave <= waves; wave++) {
      const before = processUses(ready);
      const load = await loadPods(client, podNames(`burst-${wave}`, pods), "together", () => undefined, isReady);
      const then = processUses(ready);
      say(`burst ${wave} of ${waves}: ${pods} pods Ready in ${load.totalMs.toFixed(0)} ms`);
      await monotonicClock().sleep(behindMs);
      bursts.push({ lastReadyMs: load.totalMs, createToReady: distributionOf(load.createToRunningMs), cpuMsPerPod: cpuSince(before, then, pods), laterCpuMsPerPod: cpuSince(then, processUses(ready), pods) });
    }
    return bursts;
  } finally {
    await client.close();
  }
}
