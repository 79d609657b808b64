import type { Cluster } from "../../gen/spheresim/vcenter/v1/inventory.js";
import type { Amount } from "../drs/amount.js";
import { failoverFault, failoverFitsIf, poolFault, poolFitsIf } from "../drs/decision-tree.js";
import { type FailoverReserve, failoverShortages, type FailoverShortage } from "../drs/failover.js";
import type { Inventory } from "../inventory/inventory.js";
import type { PoolRecord } from "../store/records.js";
import type { VimFault } from "../vim-fault.js";

/** Why a cluster does not take a reservation, before any host is asked. */
export interface ClusterRefusal {
  readonly fault: VimFault;
  /** What all would have to change in cluster and pool, one sentence each. */
  readonly wouldFitIf: readonly string[];
}

/** The first two steps of admission, which no host has a say in: HA admission control, then the pool and those above it. */
export class ClusterAdmission {
  readonly #inventory: Inventory;

  constructor(inventory: Inventory) {
    this.#inventory = inventory;
  }

  /** Undefined when `reserved` more can be reserved in the pool. */
  refusal(cluster: string, pool: PoolRecord, reserved: Amount): ClusterRefusal | undefined {
    const { ledger } = this.#inventory;
    const shortage = ledger.poolShortage(pool.moid, reserved);
    const failover = this.#failoverShortages(cluster, reserved);
    const [firstFailover] = failover;
    const { name } = this.#inventory.cluster(cluster);
    const fault = firstFailover === undefined ? shortage && poolFault(pool.name, shortage) : failoverFault(name, firstFailover);
    if (fault === undefined) return undefined;
    return { fault, wouldFitIf: [...failover.map((each) => failoverFitsIf(name, each)), ...ledger.poolShortages(pool.moid, reserved).map((each) => poolFitsIf(pool.name, each))] };
  }

  /** Nothing where HA admission control is off. */
  #failoverShortages(moid: string, reserved: Amount): FailoverShortage[] {
    const cluster = this.#inventory.cluster(moid);
    const reserve = failoverReserveOf(cluster);
    return reserve === undefined ? [] : failoverShortages(this.#inventory.ledger.cluster(cluster.rootPool?.value ?? ""), reserve, reserved);
  }
}

/** What HA's admission control keeps free; undefined where that is off. */
export function failoverReserveOf({ dasConfig }: Cluster): FailoverReserve | undefined {
  if (dasConfig?.enabled !== true || !dasConfig.admissionControlEnabled) return undefined;
  return { cpuMhz: dasConfig.cpuFailoverResourcesPercent, memoryMb: dasConfig.memoryFailoverResourcesPercent };
}
