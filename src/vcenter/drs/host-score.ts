import type { Resource } from "./amount.js";
import type { HostTable } from "./host-table.js";
import type { VmToPlace } from "./vm-to-place.js";

/** One part of a score; every figure it is made from is kept so that `explain` can show it. */
export interface ScorePart {
  readonly name: string;
  /** At most 100, larger is better; below 0 where more is demanded of the host than it has, down to -100. */
  readonly value: number;
  readonly weight: number;
  /** The figure the value was made from. */
  readonly raw: number;
  readonly unit: "MHz" | "MB" | "percent";
}

/** Says how good hosts are for VMs. `total` is the sum of value times weight over `parts`. */
export interface Scorer {
  /** At most 100, larger is better. Asked of every host that would do, so it makes no objects. */
  total(vm: VmToPlace, hosts: HostTable, row: number): number;
  /** The same in parts. Asked of the hosts that are answered. */
  parts(vm: VmToPlace, hosts: HostTable, row: number): readonly ScorePart[];
}

/** Weights of the parts; they sum to 1. */
const WEIGHTS = { cpuUse: 0.25, memoryUse: 0.25, tighter: 0.3, cpuUnreserved: 0.1, memoryUnreserved: 0.1 } as const;

/**
 * spheresim's own scorer. VMware publishes neither weights nor formula of the VM DRS score, so this one claims nothing but the
 * article's order of thought: a host is good when, with the VM on it, little of it is in *use*; what is merely reserved comes second.
 *
 * Worked example (three hosts of 100 GB, a VM that reserves 35 GB; CPU left aside): A has 60 reserved and 60 in use, B 40 and 70,
 * C 40 and 45. By reservations B and C tie at 60 free. By use after placement A stands at 95 %, B at 105 %, C at 80 %: C is chosen.
 *
 * Hosts of which more is demanded than they have differ still, by how much more: among them the one with the most unreserved would often be
 * the busiest. Example: of two hosts demanded to 145 % and to 180 % the first is the better one, whatever they have unreserved.
 */
export const spheresimScorer: Scorer = {
  total(vm, hosts, row) {
    const cpuUse = usePercent(vm, hosts, row, "cpuMhz");
    const memoryUse = usePercent(vm, hosts, row, "memoryMb");
    return (
      spare(cpuUse) * WEIGHTS.cpuUse +
      spare(memoryUse) * WEIGHTS.memoryUse +
      spare(Math.max(cpuUse, memoryUse)) * WEIGHTS.tighter +
      unreservedPercent(vm, hosts, row, "cpuMhz") * WEIGHTS.cpuUnreserved +
      unreservedPercent(vm, hosts, row, "memoryMb") * WEIGHTS.memoryUnreserved
    );
  },
  parts(vm, hosts, row) {
    const cpuUse = usePercent(vm, hosts, row, "cpuMhz");
    const memoryUse = usePercent(vm, hosts, row, "memoryMb");
    const tighter = Math.max(cpuUse, memoryUse);
    const cpu = { raw: vm.unreservedThen(hosts, row, "cpuMhz"), value: unreservedPercent(vm, hosts, row, "cpuMhz") };
    const memory = { raw: vm.unreservedThen(hosts, row, "memoryMb"), value: unreservedPercent(vm, hosts, row, "memoryMb") };
    return [
      { name: "cpu use after placement", value: spare(cpuUse), weight: WEIGHTS.cpuUse, raw: vm.demandThen(hosts, row, "cpuMhz"), unit: "MHz" },
      { name: "memory use after placement", value: spare(memoryUse), weight: WEIGHTS.memoryUse, raw: vm.demandThen(hosts, row, "memoryMb"), unit: "MB" },
      { name: "use of the tighter resource", value: spare(tighter), weight: WEIGHTS.tighter, raw: tighter, unit: "percent" },
      { name: "cpu unreserved after placement", ...cpu, weight: WEIGHTS.cpuUnreserved, unit: "MHz" },
      { name: "memory unreserved after placement", ...memory, weight: WEIGHTS.memoryUnreserved, unit: "MB" },
    ];
  },
};

/** Demand with the VM, in percent of what the host has. */
function usePercent(vm: VmToPlace, hosts: HostTable, row: number, resource: Resource): number {
  return percent(vm.demandThen(hosts, row, resource), hosts.capacity(row, resource));
}

/** What is unreserved with the VM, in percent of what the host has. */
function unreservedPercent(vm: VmToPlace, hosts: HostTable, row: number, resource: Resource): number {
  const capacity = hosts.capacity(row, resource);
  return left(percent(capacity - vm.unreservedThen(hosts, row, resource), capacity));
}

function percent(part: number, whole: number): number {
  return whole <= 0 ? 100 : (100 * part) / whole;
}

/** What is left of 100 %; what is demanded beyond counts against the host, up to as much again as it has. */
function spare(usedPercent: number): number {
  return Math.max(-100, 100 - usedPercent);
}

/** What is left of 100 %, not below 0. */
function left(usedPercent: number): number {
  return Math.min(100, Math.max(0, 100 - usedPercent));
}
