import type { MethodFault } from "../../gen/spheresim/vim/v1/fault.js";
import { QUESTIONS } from "./decision-tree.js";
import { descendingOrder } from "./descending-order.js";
import type { ScorePart, Scorer } from "./host-score.js";
import type { HostTable } from "./host-table.js";
import type { VmToPlace } from "./vm-to-place.js";

/** What is in `#outBy` for a host that would do; otherwise the number of the question that rules it out, from 1. */
const WOULD_DO = 0;
/** A step of preference outweighs every score. */
const PREFERENCE_STEP = 1_000;
/** What puts a last resort behind every host that would do. */
const LAST_RESORT = 1_000_000_000;
const TIE = 1e-9;

/**
 * The decision tree asked about one shape of VM on a set of hosts: who would do and how well, in arrays parallel to the rows. Verdicts are made
 * only of the hosts they are asked for.
 *
 * It can be kept while VMs of the same shape are placed one after the other (a batch): `refresh` asks again only of hosts whose row changed
 * since. Example: 1,000 hosts, 64 equal pods: 1,000 hosts are judged for the first pod and one for each of the other 63.
 */
export class Survey {
  readonly vm: VmToPlace;
  /** Rows of the hosts, in order of their names. */
  readonly rows: Int32Array;
  readonly #scorer: Scorer;
  readonly #live: HostTable;
  /** What it tells of hosts from: the table itself, or what it was at the moment of `freeze`. */
  #shown: HostTable;
  readonly #outBy: Uint8Array;
  /** Score plus preference, a last resort far below; -Infinity for a host that is ruled out for good. */
  readonly #ranks: Float64Array;
  /** 0 for a host that is ruled out for good. */
  readonly #scores: Float64Array;
  readonly #seen: Uint32Array;
  #feasible = 0;
  #lastResorts = 0;

  constructor(vm: VmToPlace, hosts: HostTable, rows: Int32Array, scorer: Scorer) {
    this.vm = vm;
    this.#live = hosts;
    this.#shown = hosts;
    this.rows = rows;
    this.#scorer = scorer;
    this.#outBy = new Uint8Array(rows.length);
    this.#ranks = new Float64Array(rows.length);
    this.#scores = new Float64Array(rows.length);
    this.#seen = new Uint32Array(rows.length);
    for (let index = 0; index < rows.length; index += 1) this.#judge(index, rows[index] ?? 0);
  }

  /** The hosts, as it tells of them. */
  get hosts(): HostTable {
    return this.#shown;
  }

  /**
   * From here on to the next `refresh` it tells of hosts as they are now, whatever is booked on them: verdicts on thousands take a while. False where
   * rules were asked, which look at more than the table.
   */
  freeze(): boolean {
    if (this.vm.rules !== undefined) return false;
    this.#shown = this.#live.frozen();
    return true;
  }

  /** Asks again about the hosts that changed. */
  refresh(): void {
    this.#shown = this.#live;
    const { rows, hosts } = this;
    for (let index = 0; index < rows.length; index += 1) {
      const row = rows[index] ?? 0;
      if (hosts.version(row) === this.#seen[index]) continue;
      this.#count(index, -1);
      this.#judge(index, row);
    }
  }

  /** Whether only hosts are left that are used as a last resort. */
  get onLastResort(): boolean {
    return this.#feasible === 0 && this.#lastResorts > 0;
  }

  /** How many hosts would do. */
  get feasibleCount(): number {
    return this.onLastResort ? this.#lastResorts : this.#feasible;
  }

  get ruledOutCount(): number {
    return this.rows.length - this.feasibleCount;
  }

  /** Whether the host at this index of `rows` would do. */
  isFeasible(index: number): boolean {
    const outBy = this.#outBy[index] ?? WOULD_DO;
    return outBy === WOULD_DO || (this.onLastResort && QUESTIONS[outBy - 1]?.isLastResort === true);
  }

  /** The indices of the hosts that are as good as each other and better than the rest, in order of name. */
  best(): number[] {
    const ranks = this.#ranks;
    let highest = -Infinity;
    for (let index = 0; index < ranks.length; index += 1) highest = Math.max(highest, ranks[index] ?? 0);
    const found: number[] = [];
    if (highest === -Infinity) return found;
    for (let index = 0; index < ranks.length; index += 1) if ((ranks[index] ?? 0) >= highest - TIE) found.push(index);
    return found;
  }

  /** Indices of hosts that would do, best first, those of equal rank in order of name: the first `limit` of them. */
  ranking(limit: number): Int32Array {
    const ranks = this.#ranks;
    const floor = this.#floor(limit);
    const found: number[] = [];
    for (let index = 0; index < ranks.length; index += 1) if ((ranks[index] ?? 0) >= floor && this.isFeasible(index)) found.push(index);
    return descendingOrder(Int32Array.from(found), ranks).subarray(0, limit);
  }

  /** Indices of hosts that are ruled out, in order of name: the first `limit` of them. */
  ruledOut(limit: number): number[] {
    const found: number[] = [];
    for (let index = 0; index < this.rows.length && found.length < limit; index += 1) if (!this.isFeasible(index)) found.push(index);
    return found;
  }

  /** At most 100, without preference. */
  score(index: number): number {
    return this.#scores[index] ?? 0;
  }

  /** The score of any host, of the set or not, by its row. */
  scoreOn(row: number): number {
    return this.#scorer.total(this.vm, this.hosts, row);
  }

  parts(index: number): readonly ScorePart[] {
    return this.#scorer.parts(this.vm, this.hosts, this.#row(index));
  }

  /** Why a host is ruled out. */
  fault(index: number): MethodFault {
    const question = QUESTIONS[(this.#outBy[index] ?? WOULD_DO) - 1];
    if (question === undefined) throw new Error(`host ${this.hosts.moid(this.#row(index))} would do`);
    return question.fault(this.vm, this.hosts, this.#row(index));
  }

  /** What all would have to change for a host to do: every question is asked. */
  wouldFitIf(index: number): string[] {
    const row = this.#row(index);
    return QUESTIONS.filter((question) => !question.passes(this.vm, this.hosts, row)).map((question) => question.wouldFitIf(this.vm, this.hosts, row));
  }

  /** How many hosts each question ruled out, most frequent first, each with its first host. */
  causes(): { readonly count: number; readonly first: number }[] {
    const byQuestion = new Map<number, { count: number; readonly first: number }>();
    this.#outBy.forEach((outBy, index) => {
      if (this.isFeasible(index)) return;
      const known = byQuestion.get(outBy);
      if (known === undefined) byQuestion.set(outBy, { count: 1, first: index });
      else known.count += 1;
    });
    return [...byQuestion.values()].toSorted((left, right) => right.count - left.count || left.first - right.first);
  }

  #row(index: number): number {
    return this.rows[index] ?? 0;
  }

  #judge(index: number, row: number): void {
    this.#seen[index] = this.hosts.version(row);
    const outBy = firstThatRulesOut(this.vm, this.hosts, row);
    this.#outBy[index] = outBy;
    const isLastResort = outBy !== WOULD_DO && QUESTIONS[outBy - 1]?.isLastResort === true;
    const score = outBy === WOULD_DO || isLastResort ? this.scoreOn(row) : 0;
    this.#scores[index] = score;
    if (outBy === WOULD_DO) this.#ranks[index] = score + this.#preference(row);
    else this.#ranks[index] = isLastResort ? score + this.#preference(row) - LAST_RESORT : -Infinity;
    this.#count(index, 1);
  }

  #preference(row: number): number {
    return PREFERENCE_STEP * (this.vm.rules?.preference(row) ?? 0);
  }

  /** A rank that the best `limit` hosts reach, so that only those need sorting. */
  #floor(limit: number): number {
    if (limit >= this.#ranks.length) return -Infinity;
    const sorted = this.#ranks.toSorted();
    return sorted[sorted.length - limit] ?? -Infinity;
  }

  #count(index: number, change: 1 | -1): void {
    const outBy = this.#outBy[index] ?? WOULD_DO;
    if (outBy === WOULD_DO) this.#feasible += change;
    else if (QUESTIONS[outBy - 1]?.isLastResort === true) this.#lastResorts += change;
  }
}

function firstThatRulesOut(vm: VmToPlace, hosts: HostTable, row: number): number {
  let number = 0;
  for (const question of QUESTIONS) {
    number += 1;
    if (!question.passes(vm, hosts, row)) return number;
  }
  return WOULD_DO;
}
