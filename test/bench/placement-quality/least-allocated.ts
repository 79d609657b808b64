import type { ScorePart, Scorer } from "../../../src/vcenter/drs/host-score.js";
import type { HostTable } from "../../../src/vcenter/drs/host-table.js";
import type { VmToPlace } from "../../../src/vcenter/drs/vm-to-place.js";
import { CORE_MHZ, type Request } from "./workload.js";

/** A pod that requests nothing counts with this much in scores (pkg/scheduler/util/pod_resources.go: 100 thousandths of a core, 200 MiB). */
const LEAST_REQUEST: Request = { cpuMilli: 100, memoryMib: 200 };
const MAX_NODE_SCORE = 100;

/**
 * Kubernetes' LeastAllocated, both weights 1: (capacity - requested) / capacity, in whole hundredths, the mean of CPU and memory rounded down
 * (pkg/scheduler/framework/plugins/noderesources/least_allocated.go). `requested` counts the pod in; beyond capacity a resource counts 0.
 *
 * Example: 4,000 thousandths and 10,000 MiB, 3,000 and 5,000 requested: (25 + 50) / 2 = 37.
 */
export function leastAllocatedScore(capacity: Request, requested: Request): number {
  const parts: number[] = [];
  for (const resource of ["cpuMilli", "memoryMib"] as const) {
    if (capacity[resource] === 0) continue;
    parts.push(requested[resource] > capacity[resource] ? 0 : Math.floor(((capacity[resource] - requested[resource]) * MAX_NODE_SCORE) / capacity[resource]));
  }
  return parts.length === 0 ? 0 : Math.floor(parts.reduce((sum, part) => sum + part, 0) / parts.length);
}

/**
 * Kubernetes' choice, in vCenter's decision tree in place of DRS's: it knows capacities and requests alone. The filter NodeResourcesFit needs
 * no line of its own: the tree's host admission compares the same requests, as reservations, and a VM's overhead besides.
 */
export class LeastAllocated implements Scorer {
  readonly #cpuMilli: Float64Array;
  readonly #memoryMib: Float64Array;
  #asked: Request = LEAST_REQUEST;

  constructor(hosts: number) {
    this.#cpuMilli = new Float64Array(hosts);
    this.#memoryMib = new Float64Array(hosts);
  }

  /** What is to be placed next. */
  ask(request: Request): void {
    this.#asked = counted(request);
  }

  /** Counts a guest in (1) or out (-1). */
  book(row: number, request: Request, sign: 1 | -1): void {
    const { cpuMilli, memoryMib } = counted(request);
    this.#cpuMilli[row] = (this.#cpuMilli[row] ?? 0) + sign * cpuMilli;
    this.#memoryMib[row] = (this.#memoryMib[row] ?? 0) + sign * memoryMib;
  }

  total(_vm: VmToPlace, hosts: HostTable, row: number): number {
    const capacity = { cpuMilli: (hosts.capacity(row, "cpuMhz") * 1000) / CORE_MHZ, memoryMib: hosts.capacity(row, "memoryMb") };
    return leastAllocatedScore(capacity, { cpuMilli: (this.#cpuMilli[row] ?? 0) + this.#asked.cpuMilli, memoryMib: (this.#memoryMib[row] ?? 0) + this.#asked.memoryMib });
  }

  parts(vm: VmToPlace, hosts: HostTable, row: number): readonly ScorePart[] {
    const value = this.total(vm, hosts, row);
    return [{ name: "least allocated", value, weight: 1, raw: value, unit: "percent" }];
  }
}

function counted(request: Request): Request {
  return { cpuMilli: request.cpuMilli === 0 ? LEAST_REQUEST.cpuMilli : request.cpuMilli, memoryMib: request.memoryMib === 0 ? LEAST_REQUEST.memoryMib : request.memoryMib };
}
