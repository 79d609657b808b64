import { type ResourceAllocationInfo, type ResourceConfigSpec, type SharesInfo, SharesLevel, ScaleSharesBehavior } from "../gen/spheresim/vim/v1/resource.js";
import type { PoolAllocation } from "./drs/pool-tree.js";
import { VimFault } from "./vim-fault.js";

/** Shares of a pool by level: those of a VM with 4 vCPUs and 16 GB (Resource Management Guide). */
const POOL_SHARES = {
  cpu: { [SharesLevel.LOW]: 2_000, [SharesLevel.NORMAL]: 4_000, [SharesLevel.HIGH]: 8_000 },
  memory: { [SharesLevel.LOW]: 81_920, [SharesLevel.NORMAL]: 163_840, [SharesLevel.HIGH]: 327_680 },
} as const;

/** A pool's settings with every default in place: reservation 0, expandable, unlimited, shares normal. Throws InvalidArgument. */
export function completeConfig(config: ResourceConfigSpec | undefined, field: string): ResourceConfigSpec {
  return {
    cpuAllocation: completeAllocation(config?.cpuAllocation, POOL_SHARES.cpu, `${field}.cpu_allocation`),
    memoryAllocation: completeAllocation(config?.memoryAllocation, POOL_SHARES.memory, `${field}.memory_allocation`),
    scaleDescendantsShares: config?.scaleDescendantsShares === ScaleSharesBehavior.SCALE_CPU_AND_MEMORY_SHARES ? config.scaleDescendantsShares : ScaleSharesBehavior.DISABLED,
  };
}

type LevelShares = Readonly<Record<SharesLevel.LOW | SharesLevel.NORMAL | SharesLevel.HIGH, number>>;

function completeAllocation(info: ResourceAllocationInfo | undefined, byLevel: LevelShares, field: string): ResourceAllocationInfo {
  checkAllocation(info, field);
  return {
    reservation: info?.reservation ?? 0,
    expandableReservation: info?.expandableReservation ?? true,
    limit: info?.limit ?? -1,
    shares: completeShares(info?.shares, byLevel),
  };
}

function completeShares(shares: SharesInfo | undefined, byLevel: LevelShares): SharesInfo {
  switch (shares?.level) {
    case SharesLevel.LOW:
    case SharesLevel.HIGH:
      return { level: shares.level, shares: byLevel[shares.level] };
    case SharesLevel.CUSTOM:
      return shares;
    default:
      return { level: SharesLevel.NORMAL, shares: byLevel[SharesLevel.NORMAL] };
  }
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
