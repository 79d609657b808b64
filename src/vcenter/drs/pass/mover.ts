import type { Bond, Layout } from "./layout.js";
import { moveOnPaper } from "./move-on-paper.js";
import type { Move, MoveReason, PassInput } from "./pass-input.js";

/** Rating of what must be done at every threshold. */
const MUST = 5;
/** A host loaded beyond it is used up: what it should have by a rule goes elsewhere, where it may. Published. */
export const FULL = 1;
/** So many VMs a pass looks for a new host for at most, whether it finds one or not; the next pass goes on elsewhere. Ours. */
const MAX_TRIES = 2_000;

/** Moves on paper that must be made: each VM once at most, and no more tries than one pass may take. */
export class Mover {
  readonly input: PassInput;
  readonly layout: Layout;
  readonly moves: Move[] = [];
  readonly #moved = new Set<number>();
  #tries = 0;

  constructor(input: PassInput, layout: Layout) {
    this.input = input;
    this.layout = layout;
  }

  /** Whether this pass looks for no more hosts. */
  get isExhausted(): boolean {
    return this.#tries >= MAX_TRIES;
  }

  /** Whether the VM runs, may be moved and was not yet. */
  isFree(vm: number): boolean {
    return this.input.vms.movable[vm] === 1 && !this.#moved.has(vm) && (this.layout.hostOf[vm] as number) >= 0;
  }

  /** The host that takes a VM and would be least loaded with it, by `leastLoaded`; -1 for one that is not free, that none takes, or when tries are used up. */
  newHostFor(vm: number): number {
    if (this.isExhausted || !this.isFree(vm)) return -1;
    this.#tries += 1;
    return leastLoaded(this.layout, vm);
  }

  go(vm: number, to: number, reason: MoveReason, rule: string): void {
    this.moves.push(moveOnPaper(this.layout, vm, to, { reason, rule, rating: MUST }));
    this.#moved.add(vm);
  }

  /** Has VMs that belong together all go to the first of the homes that takes them all, whatever their common rules say meanwhile; none moves where none does. */
  goTogether(vms: readonly number[], homes: Iterable<number>, bonds: readonly Bond[], reason: MoveReason, rule: string): void {
    if (!vms.every((vm) => this.isFree(vm))) return;
    for (const home of homes) {
      if (this.isExhausted) return;
      this.#tries += 1;
      const away = vms.filter((vm) => this.layout.hostOf[vm] !== home);
      if (!this.#allFit(away, home, bonds)) continue;
      for (const vm of away) this.go(vm, home, reason, rule);
      return;
    }
  }

  #allFit(vms: readonly number[], home: number, bonds: readonly Bond[]): boolean {
    const { layout } = this;
    const before: number[] = [];
    for (const vm of vms) {
      if (!layout.takes(home, vm, bonds)) break;
      before.push(layout.hostOf[vm] as number);
      layout.move(vm, home);
    }
    before.forEach((host, index) => layout.move(vms[index] as number, host));
    return before.length === vms.length;
  }
}

/** The host that takes the VM and would be least loaded with it; before all others one that should rules like and that has room. -1 when none takes it. */
function leastLoaded(layout: Layout, vm: number): number {
  let best = -1;
  let bestLoad = Infinity;
  let bestPreferred = false;
  for (let host = 0; host < layout.hostCount; host += 1) {
    if (!layout.takes(host, vm)) continue;
    const load = layout.loadWith(host, vm, 1);
    // Published: a should rule gives way where all hosts it likes are used up.
    const preferred = load <= FULL && layout.isPreferred(host, vm);
    if (best !== -1 && (preferred === bestPreferred ? load >= bestLoad : bestPreferred)) continue;
    best = host;
    bestLoad = load;
    bestPreferred = preferred;
  }
  return best;
}
