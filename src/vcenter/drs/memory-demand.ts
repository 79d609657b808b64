/**
 * The part of what a VM holds without actively using it that counts as demand all the same: 25 %, DRS's default
 * (PercentIdleMBInMemDemand).
 */
const IDLE_PART = 0.25;

/** By which figure DRS judges memory: its own estimate from activity, or, with "memory metric for load balancing", all that is consumed. */
export type MemoryMetric = "active" | "consumed";

/** What is actively used, and a quarter of what is held beyond it. Never less than `active`. */
export function withIdlePart(active: number, held: number): number {
  return active + IDLE_PART * Math.max(0, held - active);
}

/**
 * Memory demand of a VM, MB: active + 25 % of (consumed - active) + overhead; by the metric `consumed`, consumed + overhead.
 *
 * Example (F. Denneman, vSphere 6.5 DRS and memory balancing): consumed 12,288, active 5,734, overhead 90: 7,462.5 MB; by consumed
 * memory 12,378 MB.
 */
export function memoryDemandMb(activeMb: number, consumedMb: number, overheadMb: number, metric: MemoryMetric = "active"): number {
  return (metric === "active" ? withIdlePart(activeMb, consumedMb) : Math.max(activeMb, consumedMb)) + overheadMb;
}
