import type { ContainerStats, PodStats } from "../../gen/spheresim/crx/v1/stats.js";
import type { Pod } from "../../kubernetes/pod.js";

/** Memory in use, bytes; see ContainerStats of the agent. */
export interface MemoryUse {
  readonly usageBytes: number;
  readonly workingSetBytes: number;
  readonly rssBytes: number;
}

/** CPU in use. */
export interface CpuUse {
  /** Since it began, nanoseconds of one core. */
  readonly nanos: bigint;
  /** At present, billionths of a core: over the time since it was last asked for. */
  readonly nanoCores: number;
}

/** What one container uses. */
export interface ContainerUse {
  readonly stats: ContainerStats;
  readonly cpu: CpuUse;
}

/** What one pod uses: its containers together. */
export interface PodUse {
  readonly pod: Pod;
  readonly stats: PodStats;
  /** Emulated time. */
  readonly timeMs: number;
  readonly containers: readonly ContainerUse[];
  readonly cpu: CpuUse;
  readonly memory: MemoryUse;
}

/** What a host uses as of one moment: its pods, and the VMkernel beside them. */
export interface HostUse {
  readonly nodeName: string;
  /** Physical memory. */
  readonly memoryCapacityBytes: number;
  /** When counting began, emulated time. */
  readonly startedMs: number;
  /** Emulated time. */
  readonly timeMs: number;
  readonly cpu: CpuUse;
  readonly memory: MemoryUse;
  readonly pods: readonly PodUse[];
}

/** The memory of several together. */
export function memoryTogether(parts: readonly MemoryUse[]): MemoryUse {
  const sum = (field: keyof MemoryUse): number => parts.reduce((total, part) => total + part[field], 0);
  return { usageBytes: sum("usageBytes"), workingSetBytes: sum("workingSetBytes"), rssBytes: sum("rssBytes") };
}

export function memoryOf({ memoryUsageBytes, memoryWorkingSetBytes, memoryRssBytes }: ContainerStats): MemoryUse {
  return { usageBytes: Number(memoryUsageBytes), workingSetBytes: Number(memoryWorkingSetBytes), rssBytes: Number(memoryRssBytes) };
}

/** The CPU of several together. */
export function cpuTogether(parts: readonly CpuUse[]): CpuUse {
  return { nanos: parts.reduce((total, part) => total + part.nanos, 0n), nanoCores: parts.reduce((total, part) => total + part.nanoCores, 0) };
}
