import { type ResourceAllocationInfo, type ResourceConfigSpec, ScaleSharesBehavior } from "../../gen/spheresim/vim/v1/resource.js";
import type { PoolAllocation } from "../drs/pool-tree.js";
import { completeShares, poolCpuShares, poolMemoryShares, type PresetLevel } from "../drs/shares.js";
import { VimFault } from "../vim-fault.js";

/** A pool's settings with every default in place: reservation 0, expandable, unlimited, shares normal. Throws InvalidArgument. */
export function completeConfig(config: ResourceConfigSpec | undefined, field: string): ResourceConfigSpec {
  return {
    cpuAllocation: completeAllocation(config?.cpuAllocation, poolCpuShares, `${field}.cpu_allocation`),
    memoryAllocation: completeAllocation(config?.memoryAllocation, poolMemoryShares, `${field}.memory_allocation`),
    scaleDescendantsShares: config?.scaleDescendantsShares === ScaleSharesBehavior.SCALE_CPU_AND_MEMORY_SHARES ? config.scaleDescendantsShares : ScaleSharesBehavior.DISABLED,
  };
}

function completeAllocation(info: ResourceAllocationInfo | undefined, sharesOf: (level: PresetLevel) => number, field: string): ResourceAllocationInfo {
  checkAllocation(info, field);
  return {
    reservation: info?.reservation ?? 0,
    expandableReservation: info?.expandableReservation ?? true,
    limit: info?.limit ?? -1,
    shares: completeShares(info?.shares, sharesOf),
  };
}

/** Refuses a negative reservation, a limit below -1, a reservation over the limit, negative shares. */
export function checkAllocation(info: ResourceAllocationInfo | undefined, field: string): void {
  if (info === undefined) return;
  const { reservation = 0, limit = -1, shares } = info;
  if (reservation < 0) throw VimFault.invalidArgument(`${field}.reservation`, `must not be negative, is ${reservation}`);
  if (limit < -1) throw VimFault.invalidArgument(`${field}.limit`, `must be -1 (unlimited) or not negative, is ${limit}`);
  if (limit !== -1 && reservation > limit) throw VimFault.invalidArgument(`${field}.reservation`, `${reservation} is over the limit of ${limit}`);
  if (shares !== undefined && shares.shares < 0) throw VimFault.invalidArgument(`${field}.shares.shares`, `must not be negative, is ${shares.shares}`);
}

/** The part of a complete config that admission looks at. */
export function poolAllocation(config: ResourceConfigSpec): PoolAllocation {
  const { cpuAllocation: cpu, memoryAllocation: memory } = config;
  return {
    reservation: { cpuMhz: cpu?.reservation ?? 0, memoryMb: memory?.reservation ?? 0 },
    limit: { cpuMhz: limitOf(cpu), memoryMb: limitOf(memory) },
    expandable: { cpuMhz: cpu?.expandableReservation ?? true, memoryMb: memory?.expandableReservation ?? true },
  };
}

function limitOf(info: ResourceAllocationInfo | undefined): number {
  const limit = info?.limit ?? -1;
  return limit < 0 ? Infinity : limit;
}
