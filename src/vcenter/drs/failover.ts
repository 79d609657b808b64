import { type Amount, RESOURCES, type Resource } from "./amount.js";

/** Percent of a cluster's capacity that HA admission control keeps unreserved. */
export type FailoverReserve = Readonly<Record<Resource, number>>;

/** What HA looks at in a cluster: what its usable hosts have, and what VMs and holds reserve, overhead included. */
export interface ClusterAccount {
  readonly capacity: Amount;
  readonly reserved: Amount;
}

/** What HA lacks to take one more reservation. */
export interface FailoverShortage {
  readonly resource: Resource;
  readonly capacity: number;
  readonly reserved: number;
  readonly requested: number;
  /** Percent of the capacity that would stay unreserved. */
  readonly leftPercent: number;
  readonly reservePercent: number;
  /** By how much too much would be reserved. */
  readonly excess: number;
}

/**
 * HA admission control by percentage of cluster resources (Denneman, "HA Percentage based admission control"): reservations count, use
 * does not. A VM is refused when (capacity - reserved - its own reservation) / capacity falls below the percentage that must stay free.
 *
 * Example: 2 hosts of 16384 MB, 25 % of memory kept: at most 24576 of 32768 MB may be reserved. With 24000 reserved a VM of 500 fits
 * (25.2 % left), one of 600 does not: 24.9 % would be left, 24 MB are too much.
 *
 * A cluster without any usable host is not judged here: no host will do, and each says why.
 */
export function failoverShortages(account: ClusterAccount, reserve: FailoverReserve, wanted: Amount): FailoverShortage[] {
  return RESOURCES.flatMap((resource) => {
    const capacity = account.capacity[resource];
    const reserved = account.reserved[resource];
    const requested = wanted[resource];
    const reservePercent = reserve[resource];
    const excess = reserved + requested - capacity * (1 - reservePercent / 100);
    if (capacity <= 0 || requested <= 0 || excess <= 1e-6) return [];
    return { resource, capacity, reserved, requested, leftPercent: (100 * (capacity - reserved - requested)) / capacity, reservePercent, excess };
  });
}
