import { type Scorer, spheresimScorer } from "../../../src/vcenter/drs/host-score.js";
import { firstFit } from "./first-fit.js";
import { LeastAllocated } from "./least-allocated.js";
import type { Request } from "./workload.js";

export const PLACERS = ["first fit", "LeastAllocated", "DRS", "DRS, running"] as const;
export type PlacerName = (typeof PLACERS)[number];

/** Who chooses. All go through vCenter's own decision tree, so that all admit the same; they differ in how they score what is admitted. */
export interface Placer {
  readonly name: PlacerName;
  readonly scorer: Scorer;
  /** Whether DRS's pass moves ordinary VMs each minute. */
  readonly runs: boolean;
  /** What is to be placed next. */
  ask(request: Request): void;
  /** A guest came to a host (1) or left it (-1). */
  book(row: number, request: Request, sign: 1 | -1): void;
}

export function placerNamed(name: PlacerName, hosts: number): Placer {
  if (name === "LeastAllocated") {
    const scorer = new LeastAllocated(hosts);
    return { name, scorer, runs: false, ask: (request) => scorer.ask(request), book: (row, request, sign) => scorer.book(row, request, sign) };
  }
  return { name, scorer: name === "first fit" ? firstFit(hosts) : spheresimScorer, runs: name === "DRS, running", ask: () => undefined, book: () => undefined };
}
