import { type SharesInfo, SharesLevel } from "../../gen/spheresim/vim/v1/resource.js";
import { MAX_INT32 } from "../spec-limits.js";

/** A level that stands for a number. */
export type PresetLevel = SharesLevel.LOW | SharesLevel.NORMAL | SharesLevel.HIGH;

/** CPU shares of each virtual CPU and memory shares of each MB: 1 : 2 : 4 (vSphere Resource Management Guide, "Share Values"). */
const PER_CPU: Readonly<Record<PresetLevel, number>> = { [SharesLevel.LOW]: 500, [SharesLevel.NORMAL]: 1_000, [SharesLevel.HIGH]: 2_000 };
const PER_MB: Readonly<Record<PresetLevel, number>> = { [SharesLevel.LOW]: 5, [SharesLevel.NORMAL]: 10, [SharesLevel.HIGH]: 20 };

/** A pool counts as a VM of this size, whatever it holds. */
const POOL_CPUS = 4;
const POOL_MEMORY_MB = 16_384;

/** CPU shares of a VM by level. Example: two virtual CPUs, normal: 2000. */
export function vmCpuShares(level: PresetLevel, numCpus: number): number {
  return Math.min(MAX_INT32, PER_CPU[level] * numCpus);
}

/** Memory shares of a VM by level and configured memory. Example: 2048 MB, normal: 20,480. */
export function vmMemoryShares(level: PresetLevel, memoryMb: number): number {
  return Math.min(MAX_INT32, PER_MB[level] * memoryMb);
}

/** CPU shares of a resource pool by level: 2000, 4000, 8000. */
export function poolCpuShares(level: PresetLevel): number {
  return vmCpuShares(level, POOL_CPUS);
}

/** Memory shares of a resource pool by level: 81,920, 163,840, 327,680. */
export function poolMemoryShares(level: PresetLevel): number {
  return vmMemoryShares(level, POOL_MEMORY_MB);
}

/** Shares with their number in place: a custom number stays, a level (normal when none is stated) gets the one `numberOf` gives it. */
export function completeShares(shares: SharesInfo | undefined, numberOf: (level: PresetLevel) => number): SharesInfo {
  if (shares?.level === SharesLevel.CUSTOM) return shares;
  const level = shares?.level === SharesLevel.LOW || shares?.level === SharesLevel.HIGH ? shares.level : SharesLevel.NORMAL;
  return { level, shares: numberOf(level) };
}
