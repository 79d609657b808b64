import { figure } from "./drs-usage.js";
import type { ClusterUsageSummary } from "../../gen/spheresim/vcenter/v1/cluster.js";
import type { VmUsage } from "../../gen/spheresim/vcenter/v1/drs.js";
import { NOTHING } from "../drs/amount.js";
import type { Ledger } from "../drs/ledger.js";
import type { PassResult } from "../drs/pass/pass-input.js";
import type { Sliceable } from "../inventory/pages.js";
import { moref } from "../inventory/moref.js";
import type { Recommendation } from "./recommendation.js";
import type { PassRows } from "./snapshot.js";

/** What a pass over a cluster found: it stands until the next one. */
export interface ClusterPass {
  /** Counts the passes over the cluster, from 1. */
  readonly number: number;
  /** Emulated time. */
  readonly timeMs: number;
  readonly rows: PassRows;
  readonly result: PassResult;
  readonly recommendations: readonly Recommendation[];
}

/** What a pass found of the VMs that are powered on, as a list whose messages are made only as they are read: it may have a hundred thousand. */
export class VmUsages implements Sliceable<VmUsage> {
  readonly #pass: ClusterPass;
  readonly #ledger: Pick<Ledger, "get">;

  constructor(pass: ClusterPass, ledger: Pick<Ledger, "get">) {
    this.#pass = pass;
    this.#ledger = ledger;
  }

  get length(): number {
    return this.#pass.result.vms.order.length;
  }

  slice(from: number, end: number): VmUsage[] {
    return Array.from(this.#pass.result.vms.order.subarray(from, end), (row) => this.#usage(row));
  }

  #usage(row: number): VmUsage {
    const { rows, result } = this.#pass;
    const of = (column: Float64Array): number => figure(column[row] ?? 0);
    const vm = rows.vms[row];
    const { vms } = result;
    // As the host's own figures count it, at this moment; what is active of a VM that has gone off since is nothing.
    const active = this.#ledger.get(vm?.moid ?? "")?.active ?? NOTHING;
    return {
      vm: moref("VirtualMachine", vm?.moid ?? ""),
      vmName: vm?.config.name ?? "",
      hostName: rows.hosts[vms.host[row] ?? -1]?.spec.name ?? "",
      demandCpuMhz: of(vms.wantedMhz),
      demandMemoryMb: of(vms.wantedMb),
      entitledCpuMhz: of(vms.entitledMhz),
      entitledMemoryMb: of(vms.entitledMb),
      grantedCpuMhz: of(vms.grantedMhz),
      grantedMemoryMb: of(vms.grantedMb),
      activeCpuMhz: figure(active.cpuMhz),
      activeMemoryMb: figure(active.memoryMb),
      consumedMemoryMb: of(vms.consumedMb),
      drsScore: vms.score[row] ?? 0,
      cpuReadinessPercent: readinessPercent(vms.wantedMhz[row] ?? 0, vms.grantedMhz[row] ?? 0),
      balloonedMemoryMb: of(vms.balloonedMb),
      swappedMemoryMb: of(vms.swappedMb),
      averageEntitledCpuMhz: of(vms.weighedMhz),
      averageEntitledMemoryMb: of(vms.weighedMb),
    };
  }
}

/** The part of what a VM would run that it waits for a core instead. */
function readinessPercent(wantedMhz: number, grantedMhz: number): number {
  return wantedMhz <= 0 ? 0 : Math.round(100 * Math.max(0, 1 - grantedMhz / wantedMhz));
}

/** What the cluster has and what is used of it, as of the pass. */
export function clusterUsage({ number, rows, result }: ClusterPass): ClusterUsageSummary {
  const sum = (column: Float64Array): bigint => BigInt(Math.round(column.reduce((total, value) => total + value, 0)));
  const { hosts } = result;
  return {
    totalCpuCapacityMhz: BigInt(Math.round(rows.capacity.cpuMhz)),
    totalMemCapacityMb: BigInt(Math.round(rows.capacity.memoryMb)),
    cpuReservationMhz: BigInt(Math.round(rows.reserved.cpuMhz)),
    memReservationMb: BigInt(Math.round(rows.reserved.memoryMb)),
    cpuDemandMhz: sum(hosts.wantedMhz),
    memDemandMb: sum(hosts.wantedMb),
    cpuEntitledMhz: sum(hosts.entitledMhz),
    memEntitledMb: sum(hosts.entitledMb),
    poweredOffVmCount: rows.poweredOffVms,
    totalVmCount: rows.totalVms,
    statsGenNumber: BigInt(number),
  };
}
