import { entitlements } from "../entitlement/entitlement.js";
import type { Weights } from "./layout.js";
import type { PassInput } from "./pass-input.js";

/** Minutes DRS looks back on at each migration threshold; 0, which only looks, as the default. */
const MINUTES = [40, 40, 40, 40, 20, 10] as const;
/** VMs of at most so much memory are looked back on half as long. */
const SMALL_MB = 4_096;

/**
 * Over how many minutes DRS averages what a VM demands before it moves it: one spike is the host's to take care of. 40 by default, fewer at
 * more eager thresholds and for VMs of little memory is published (F. Denneman, "DRS migration threshold in vSphere 7"); how many fewer is not, and ours.
 *
 * Example: a VM of 16 GB is averaged over 40 minutes at threshold 3, over 10 at threshold 5; one of 2 GB over 20 and 5.
 */
export function lookbackMinutes(threshold: number, memoryMb: number): number {
  const minutes = MINUTES[threshold] ?? MINUTES[0];
  return memoryMb <= SMALL_MB ? minutes / 2 : minutes;
}

/** What VMs weigh when DRS decides on moves: what they would be entitled to with what they demanded on average; `now` where nothing changed. */
export function inLookback({ tree, memoryMetric, lookback }: PassInput, now: Weights): Weights {
  if (lookback === undefined) return now;
  const { cpu, memory } = tree.vms;
  const averaged = { ...tree, vms: { ...tree.vms, cpu: { ...cpu, demandMhz: lookback.demandMhz }, memory: { ...memory, activeMb: lookback.activeMb } } };
  const { vms } = entitlements(averaged, { memoryMetric });
  return { mhz: vms.cpu.entitled, mb: vms.memory.entitled, usesMhz: lookback.usesMhz };
}
