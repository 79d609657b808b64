/** How much of the way to a new sample each average goes. Ours: that one is fast and one slow is published, their gains are not. */
const FAST_GAIN = 0.5;
const SLOW_GAIN = 0.1;

/** Two moving averages of the memory a VM was seen to use, MB. */
export interface ActiveAverages {
  fast: number;
  slow: number;
}

/** Takes in the sample of a period that is over. Whole MB, rounded down, so that what falls gets there. */
export function follow(averages: ActiveAverages, sampleMb: number): void {
  averages.fast = Math.floor(averages.fast + FAST_GAIN * (sampleMb - averages.fast));
  averages.slow = Math.floor(averages.slow + SLOW_GAIN * (sampleMb - averages.slow));
}

/**
 * What ESXi takes for a VM's active memory, MB: the largest of a slow and a fast moving average and of what this period shows so far, so that it rises
 * at once and falls slowly (C. Waldspurger, Memory Resource Management in VMware ESX Server, OSDI 2002, section 5.3).
 *
 * Example: a VM that used 1,000 MB for long uses none from now on: 1,000 in this period, 900 after the first that is over, 810 after the second.
 */
export function activeEstimate({ fast, slow }: ActiveAverages, nowMb: number): number {
  return Math.max(nowMb, fast, slow);
}
