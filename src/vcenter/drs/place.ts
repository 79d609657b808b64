import type { Dice } from "../../base/seeded-random.js";
import type { Survey } from "./survey.js";

/** DRS's decision about one VM. */
export interface Decision {
  readonly survey: Survey;
  /** The chosen host, as its index in the survey's rows; undefined when no host will do. */
  readonly chosen: number | undefined;
  /** How it came to be chosen. */
  readonly how: HowChosen;
}

/** `equals`: hosts as good as the best, the chosen one included. */
export type HowChosen = { readonly kind: "none" | "best" | "kept" } | { readonly kind: "drawn"; readonly equals: number };

/**
 * Picks the best host of a survey. Hosts of equal rank are drawn by `dice`; `preferred`, a moid, is chosen whenever it will do, so that an
 * owner placed again keeps its host.
 */
export function place(survey: Survey, dice: Dice, preferred?: string): Decision {
  const best = survey.best();
  const [first] = best;
  if (first === undefined) return { survey, chosen: undefined, how: { kind: "none" } };
  const kept = preferred === undefined ? -1 : survey.rows.findIndex((row) => survey.hosts.moid(row) === preferred);
  if (kept >= 0 && survey.isFeasible(kept)) return { survey, chosen: kept, how: { kind: best.includes(kept) ? "best" : "kept" } };
  // A VM does not move for nothing.
  const home = best.find((index) => survey.rows[index] === survey.vm.homeRow);
  if (home !== undefined) return { survey, chosen: home, how: { kind: "best" } };
  if (best.length === 1) return { survey, chosen: first, how: { kind: "best" } };
  // In order of their names, as the survey is: the draw must not depend on the order in which Nodes were told of.
  return { survey, chosen: dice.pick(best), how: { kind: "drawn", equals: best.length } };
}
