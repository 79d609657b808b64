import { type Amount, plus } from "./amount.js";
import { predictedDemand } from "./demand.js";
import type { HostCandidate } from "./host-candidate.js";
import type { VmShape } from "./vm-shape.js";

/** One part of a score; every figure it is made from is kept so that `explain` can show it. */
export interface ScorePart {
  readonly name: string;
  /** 0 to 100, larger is better. */
  readonly value: number;
  readonly weight: number;
  /** The figure the value was made from. */
  readonly raw: number;
  readonly unit: "MHz" | "MB" | "percent";
}

/** How good a host is for a VM. */
export interface Score {
  /** 0 to 100. */
  readonly total: number;
  readonly parts: readonly ScorePart[];
}

/** Weights of the parts; they sum to 1. */
const WEIGHTS = { cpuUse: 0.25, memoryUse: 0.25, tighter: 0.3, cpuUnreserved: 0.1, memoryUnreserved: 0.1 } as const;

/**
 * spheresim's own scorer. VMware publishes neither weights nor formula of the VM DRS score, so this one claims nothing but the
 * article's order of thought: a host is good when, with the VM on it, little of it is in *use*; what is merely reserved comes second.
 *
 * Worked example (three hosts of 100 GB, a VM that reserves 35 GB; CPU left aside): A has 60 reserved and 60 in use, B 40 and 70,
 * C 40 and 45. By reservations B and C tie at 60 free. By use after placement A stands at 95 %, B at 105 %, C at 80 %: C is chosen.
 */
export function scoreHost(vm: VmShape, host: HostCandidate): Score {
  const demand = plus(host.account.demand, predictedDemand(vm, host.coreMhz));
  const reserved = plus(host.account.reserved, vm.reserved);
  const { capacity } = host.account;
  const cpuUsePercent = percent(demand.cpuMhz, capacity.cpuMhz);
  const memoryUsePercent = percent(demand.memoryMb, capacity.memoryMb);
  const parts: readonly ScorePart[] = [
    { name: "cpu use after placement", value: left(cpuUsePercent), weight: WEIGHTS.cpuUse, raw: demand.cpuMhz, unit: "MHz" },
    { name: "memory use after placement", value: left(memoryUsePercent), weight: WEIGHTS.memoryUse, raw: demand.memoryMb, unit: "MB" },
    { name: "use of the tighter resource", value: left(Math.max(cpuUsePercent, memoryUsePercent)), weight: WEIGHTS.tighter, raw: Math.max(cpuUsePercent, memoryUsePercent), unit: "percent" },
    unreservedPart("cpu unreserved after placement", "cpuMhz", WEIGHTS.cpuUnreserved, "MHz", capacity, reserved),
    unreservedPart("memory unreserved after placement", "memoryMb", WEIGHTS.memoryUnreserved, "MB", capacity, reserved),
  ];
  return { total: parts.reduce((sum, part) => sum + part.value * part.weight, 0), parts };
}

function unreservedPart(name: string, resource: keyof Amount, weight: number, unit: "MHz" | "MB", capacity: Amount, reserved: Amount): ScorePart {
  return { name, value: left(percent(reserved[resource], capacity[resource])), weight, raw: capacity[resource] - reserved[resource], unit };
}

function percent(part: number, whole: number): number {
  return whole <= 0 ? 100 : (100 * part) / whole;
}

/** What is left of 100 %, not below 0. */
function left(usedPercent: number): number {
  return Math.min(100, Math.max(0, 100 - usedPercent));
}
