/** How a VM's virtual CPUs spent a while, as MHz: one CPU of 2600 MHz that ran half the time ran 1300 MHz. */
export interface CpuTimes {
  /** Ran. */
  readonly ranMhz: number;
  /** Could have run and waited for a physical CPU. */
  readonly readyMhz: number;
  /** Had nothing to do. */
  readonly sleptMhz: number;
}

/**
 * CPU demand of a VM, MHz: what it ran, and of the time it was ready as large a part as it runs of the time it need not wait
 * (A. Gulati et al., VMware Distributed Resource Management, 2012).
 *
 * Example: 1000 MHz ran, 1000 slept, 600 waited: had it not waited, it would have run half of those: 1300 MHz.
 */
export function cpuDemandMhz({ ranMhz, readyMhz, sleptMhz }: CpuTimes): number {
  const free = ranMhz + sleptMhz;
  return free === 0 ? readyMhz : ranMhz + readyMhz * (ranMhz / free);
}
