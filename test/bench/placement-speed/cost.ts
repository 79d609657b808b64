import { type Distribution, distributionOf } from "../distribution.js";

/** What placing costs, in milliseconds: by the clock, and by the processor, which says the same on a machine that others use. */
export interface Cost {
  readonly clock: Distribution;
  readonly cpu: Distribution;
  readonly meanCpuMs: number;
}

/** The cost of many rounds. */
export function costFrom(clockMs: readonly number[], cpuMs: readonly number[]): Cost {
  return { clock: distributionOf(clockMs), cpu: distributionOf(cpuMs), meanCpuMs: cpuMs.reduce((sum, each) => sum + each, 0) / cpuMs.length };
}
