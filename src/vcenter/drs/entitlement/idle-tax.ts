/** Default of the idle memory tax, Mem.IdleTax = 75 %: an idle page costs as much as four active ones. */
export const DEFAULT_IDLE_TAX = 0.75;
/** The highest tax; at 1 an idle page would cost infinitely much. */
const MAX_IDLE_TAX = 0.99;

/** What holds memory by shares. */
export interface MemoryHolder {
  readonly shares: number;
  readonly heldMb: number;
  /** 0 to 1. */
  readonly activeFraction: number;
}

/** What an idle page costs when an active one costs 1: 1 / (1 - tax). Throws RangeError. */
export function idleCost(tax: number): number {
  if (!(tax >= 0 && tax <= MAX_IDLE_TAX)) throw new RangeError(`the idle memory tax must be from 0 to ${MAX_IDLE_TAX}, is ${tax}`);
  return 1 / (1 - tax);
}

/**
 * Shares a MB, adjusted for idle memory: shares / (held * (active + cost * idle)), active and idle as fractions (C. Waldspurger, Memory
 * Resource Management in VMware ESX Server, OSDI 2002). Without a tax it is plain shares per MB. Infinite for a holder of nothing.
 *
 * Example: 1000 shares, 100 MB, tax 0.75: all active 10, half active 4, all idle 2.5.
 */
export function adjustedSharesPerMb({ shares, heldMb, activeFraction }: MemoryHolder, tax = DEFAULT_IDLE_TAX): number {
  return heldMb <= 0 ? Infinity : shares / (heldMb * (activeFraction + idleCost(tax) * (1 - activeFraction)));
}

/** Who has to give memory back first: the holder with the least adjusted shares a MB (min-funding revocation). -1 when nobody holds any. */
export function firstVictim(holders: readonly MemoryHolder[], tax = DEFAULT_IDLE_TAX): number {
  let victim = -1;
  let least = Infinity;
  for (const [index, holder] of holders.entries()) {
    const price = adjustedSharesPerMb(holder, tax);
    if (price < least) [victim, least] = [index, price];
  }
  return victim;
}
