/** Default of the idle memory tax, Mem.IdleTax = 75 %: an idle page costs as much as four active ones. */
export const DEFAULT_IDLE_TAX = 0.75;
/** The highest tax; at 1 an idle page would cost infinitely much. */
const MAX_IDLE_TAX = 0.99;

/**
 * What an idle page costs when an active one costs 1: 1 / (1 - tax) (C. Waldspurger, Memory Resource Management in VMware ESX Server, OSDI
 * 2002). Beyond its active memory a VM's shares count that much less, so that all who could use more pay the same for a page: its shares / (held *
 * (active + cost * idle)), active and idle as fractions, and who pays least gives memory back first. Throws RangeError.
 *
 * Example: 1000 shares, 100 MB, tax 0.75: all active 10 shares a MB, half active 4, all idle 2.5.
 */
export function idleCost(tax: number): number {
  if (!(tax >= 0 && tax <= MAX_IDLE_TAX)) throw new RangeError(`the idle memory tax must be from 0 to ${MAX_IDLE_TAX}, is ${tax}`);
  return 1 / (1 - tax);
}
