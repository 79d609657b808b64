import { monotonicClock } from "../../../src/base/clock.js";
import type { ReadyLine } from "../../../src/base/ready-line.js";
import { administrator } from "../../support/administrator.js";
import { loadPods } from "../pod-load.js";
import { processUses } from "../process-use.js";
import { heapUse } from "./heap.js";
import { isReady, podNames } from "./pods.js";

/** What running pods take of the ESXi process's memory. */
export interface PodMemory {
  /** After each fifth of the pods. */
  readonly readings: readonly { readonly pods: number; readonly heldMb: number; readonly residentMb: number }[];
  /** Slope from the first reading to the last: what every process has once does not count. */
  readonly heldBytesPerPod: number;
  readonly residentBytesPerPod: number;
}

const steps = 5;
/** Events that wait to be written are not the pods'. */
const settleMs = 5_000;
const MB = 2 ** 20;

/** Runs pods in fifths and reads the heap of the ESXi process after each, garbage collected. */
export async function measurePodMemory(ready: ReadyLine, probeDirectory: string, pods: number, say: (line: string) => void): Promise<PodMemory> {
  const client = administrator(ready);
  const pid = processUses(ready)["esxi"]?.pid;
  if (pid === undefined) throw new Error("no ESXi process");
  const readings: { pods: number; heldBytes: number; residentBytes: number }[] = [];
  try {
    for (let step = 1; step <= steps; step++) {
      const count = Math.ceil((pods * step) / steps) - (readings.at(-1)?.pods ?? 0);
      await loadPods(client, podNames(`memory-${step}`, count), "together", () => undefined, isReady);
      await monotonicClock().sleep(settleMs);
      const reading = { pods: (readings.at(-1)?.pods ?? 0) + count, ...(await heapUse(probeDirectory, pid)) };
      readings.push(reading);
      say(`memory: ${reading.pods} pods run, ${(reading.heldBytes / MB).toFixed(1)} MB held`);
    }
  } finally {
    await client.close();
  }
  const [first, last] = [readings[0], readings[steps - 1]];
  if (first === undefined || last === undefined) throw new Error("nothing was read");
  const slope = (of: "heldBytes" | "residentBytes"): number => (last[of] - first[of]) / (last.pods - first.pods);
  return {
    readings: readings.map((reading) => ({ pods: reading.pods, heldMb: reading.heldBytes / MB, residentMb: reading.residentBytes / MB })),
    heldBytesPerPod: slope("heldBytes"),
    residentBytesPerPod: slope("residentBytes"),
  };
}
