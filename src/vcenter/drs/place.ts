import type { Dice } from "../../base/seeded-random.js";
import type { VimFault } from "../vim-fault.js";
import { ruledOut } from "./decision-tree.js";
import type { HostCandidate } from "./host-candidate.js";
import { type Score, scoreHost } from "./host-score.js";
import type { VmShape } from "./vm-shape.js";

/** A host that could run the VM. */
export interface FeasibleHost {
  readonly host: HostCandidate;
  readonly score: Score;
}

/** A host that could not. */
export interface RuledOutHost {
  readonly host: HostCandidate;
  readonly fault: VimFault;
}

/** DRS's decision about one VM. */
export interface Decision {
  /** The best of `feasible`; undefined when no host will do. */
  readonly chosen: FeasibleHost | undefined;
  /** Every host that would do, best first. */
  readonly feasible: readonly FeasibleHost[];
  /** Every other host, in the order given. */
  readonly ruledOut: readonly RuledOutHost[];
}

const TIE = 1e-9;

/** Whether two scores are as good as each other. */
export function isEqual(left: Score, right: Score): boolean {
  return Math.abs(left.total - right.total) <= TIE;
}

/**
 * Picks a host among `hosts`. Hosts of equal score are drawn by `dice`; `preferred` is chosen whenever it will do, so that an owner
 * placed again keeps its host.
 */
export function place(vm: VmShape, hosts: readonly HostCandidate[], dice: Dice, preferred?: string): Decision {
  const feasible: FeasibleHost[] = [];
  const out: RuledOutHost[] = [];
  for (const host of hosts) {
    const fault = ruledOut(vm, host);
    if (fault === undefined) feasible.push({ host, score: scoreHost(vm, host) });
    else out.push({ host, fault });
  }
  feasible.sort((left, right) => right.score.total - left.score.total);
  return { chosen: choose(feasible, dice, preferred), feasible, ruledOut: out };
}

function choose(feasible: readonly FeasibleHost[], dice: Dice, preferred: string | undefined): FeasibleHost | undefined {
  const best = feasible[0];
  if (best === undefined) return undefined;
  const kept = preferred === undefined ? undefined : feasible.find(({ host }) => host.moid === preferred);
  if (kept !== undefined) return kept;
  let ties = 1;
  while (ties < feasible.length && isEqual(best.score, (feasible[ties] as FeasibleHost).score)) ties += 1;
  // In the order of their names: the list comes in the order in which Nodes were told of, and the draw must not depend on that.
  return ties === 1 ? best : dice.pick(feasible.slice(0, ties).sort((left, right) => (left.host.name < right.host.name ? -1 : 1)));
}
