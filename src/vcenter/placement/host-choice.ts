import type { Dice } from "../../base/seeded-random.js";
import { ClusterAdmission, type ClusterRefusal } from "../clusters/cluster-admission.js";
import { type Amount, NOTHING, plus, RESOURCES } from "../drs/amount.js";
import { type Scorer, spheresimScorer } from "../drs/host-score.js";
import { type Decision, place } from "../drs/place.js";
import { RowRules } from "../drs/rules/row-rules.js";
import type { DrsRule } from "../drs/rules/rule.js";
import type { RulesOfVm } from "../drs/rules-of-vm.js";
import { Survey } from "../drs/survey.js";
import type { VmShape } from "../drs/vm-shape.js";
import { VmToPlace } from "../drs/vm-to-place.js";
import type { Inventory } from "../inventory/inventory.js";
import { VimFault } from "../vim-fault.js";
import { type Candidate, homeOf, shapeOf } from "./candidate.js";
import { noCompatibleHost } from "./placement-result.js";
import type { PlacementRules } from "./placement-rules.js";
import type { ResolvedSpec } from "./placement-spec.js";

/** What a host is chosen for. */
export interface HostSeeker extends Candidate {
  /** Whether it goes ahead of VMs that a rule keeps together with it: whoever moves them sees to that rule. */
  readonly goesAhead?: boolean | undefined;
  /** Rules stated for it beside those of its cluster. */
  readonly rules?: readonly DrsRule[];
}

/** The host that was found. */
export interface ChosenHost {
  readonly moid: string;
  /** 0 to 100. */
  readonly score: number;
}

/** The cluster's refusal: HA or the pool said no before any host was asked. */
export interface Refusal extends ClusterRefusal {
  /** The hosts, for who wants to know what they would have said as well: looked at when first asked for. */
  survey(): Survey;
}

/** Surveys kept for the length of one batch, by shape of VM and set of hosts. */
export type Surveys = Map<Int32Array, Map<string, Survey>>;

/** What choosing needs. */
export interface HostChoiceOptions {
  readonly inventory: Inventory;
  readonly dice: Dice;
  /** None when absent. */
  readonly rules?: PlacementRules | undefined;
  /** spheresim's own when absent. */
  readonly scorer?: Scorer;
}

/**
 * The one door to the decision tree (drs/decision-tree.ts), for placements as for VMs that exist and are powered on, moved or resized: HA and pool
 * first, then hosts, by the same questions and the same score. It holds nothing.
 */
export class HostChoice {
  readonly #options: HostChoiceOptions;
  readonly #admission: ClusterAdmission;

  constructor(options: HostChoiceOptions) {
    this.#options = options;
    this.#admission = new ClusterAdmission(options.inventory);
  }

  /**
   * The whole tree for a placement. `preferred` is the host to keep where it will do. With `surveys` what a VM of the same shape found out is
   * used again.
   */
  judge(spec: ResolvedSpec, preferred: string | undefined, surveys?: Surveys): Decision | Refusal {
    const seeker = seekerOf(spec);
    const shape = shapeOf(seeker, this.#options.inventory);
    // A VM that moves within its cluster changes neither what is reserved in it nor in its pool.
    const refusal = spec.vm === undefined ? this.#admission.refusal(spec.cluster, spec.pool, shape.reserved) : undefined;
    if (refusal !== undefined) {
      let survey: Survey | undefined;
      return { ...refusal, survey: () => (survey ??= this.#kept(spec, seeker, shape, surveys)) };
    }
    // Ties are drawn by name, not in order of arrival nor by UID, which depends on it: the same pods get the same hosts however calls interleave.
    const own = this.#options.dice.fork(`place/${spec.namespace}/${spec.config.name}`);
    return place(this.#kept(spec, seeker, shape, surveys), own, preferred);
  }

  /** Throws the fault that rules the host out. */
  admit(seeker: HostSeeker, host: string): void {
    const { inventory } = this.#options;
    const survey = this.#survey(seeker, inventory.host(host).cluster, Int32Array.of(inventory.ledger.hosts.row(host)));
    if (!survey.isFeasible(0)) throw VimFault.of(survey.fault(0));
  }

  /** Throws the fault of HA, of the pool, or of one above it, that lets no more be reserved. */
  admitToPool(pool: string, reserved: Amount): void {
    const { inventory } = this.#options;
    const refusal = this.#admission.refusal(inventory.clusterOfPool(pool).ref?.value ?? "", inventory.pool(pool), reserved);
    if (refusal !== undefined) throw refusal.fault;
  }

  /** The best host of a cluster, but for one. Throws NoCompatibleHost with the fault of each. */
  best(seeker: HostSeeker, cluster: string, except?: string): ChosenHost {
    const { hosts } = this.#options.inventory.ledger;
    const all = hosts.rowsOf(cluster);
    return this.#best(seeker, cluster, except === undefined ? all : all.filter((row) => hosts.moid(row) !== except));
  }

  /**
   * The host of a cluster that is best for VMs which all go there, by the sum of their scores, but for one; each must be admissible there, and
   * their reservations must fit together. Throws InvalidState where no host takes them all.
   */
  bestForAll(seekers: readonly HostSeeker[], cluster: string, except: string): string {
    const { inventory } = this.#options;
    const { hosts } = inventory.ledger;
    const rows = hosts.rowsOf(cluster).filter((row) => hosts.moid(row) !== except);
    const surveys = seekers.map((seeker) => this.#survey(seeker, cluster, rows));
    const reserved = surveys.map(({ vm }) => vm.shape.reserved).reduce(plus, NOTHING);
    const fits = (row: number, index: number): boolean => surveys.every((survey) => survey.isFeasible(index)) && RESOURCES.every((resource) => hosts.capacity(row, resource) - hosts.reserved(row, resource) >= reserved[resource]);
    let best: { readonly moid: string; readonly score: number } | undefined;
    rows.forEach((row, index) => {
      if (!fits(row, index)) return;
      const score = surveys.reduce((sum, survey) => sum + survey.score(index), 0);
      if (best === undefined || score > best.score) best = { moid: hosts.moid(row), score };
    });
    if (best !== undefined) return best.moid;
    const names = seekers.map(({ config }) => config.name).join(", ");
    throw VimFault.invalidState(`No host takes all of ${names}, which rules keep together.`);
  }

  /** The one host, with its score. Throws NoCompatibleHost with its fault. */
  only(seeker: HostSeeker, host: string): ChosenHost {
    const { inventory } = this.#options;
    return this.#best(seeker, inventory.host(host).cluster, Int32Array.of(inventory.ledger.hosts.row(host)));
  }

  #best(seeker: HostSeeker, cluster: string, rows: Int32Array): ChosenHost {
    const survey = this.#survey(seeker, cluster, rows);
    const { chosen } = place(survey, this.#options.dice.fork(`choose/${seeker.config.name}`));
    if (chosen === undefined) throw noCompatibleHost(seeker.config.name, survey);
    return { moid: survey.hosts.moid(rows[chosen] ?? 0), score: survey.score(chosen) };
  }

  /** The survey of a placement, or the one that was kept of an equal VM on the same hosts, brought up to date. */
  #kept(spec: ResolvedSpec, seeker: HostSeeker, shape: VmShape, surveys: Surveys | undefined): Survey {
    const rules = this.#rulesOf(seeker, spec.cluster);
    const make = (): Survey => this.#survey(seeker, spec.cluster, spec.hosts, { shape, rules });
    // What rules say depends on more than a host's own row, and a VM that runs has a host of its own: both are asked afresh.
    if (surveys === undefined || rules !== undefined || spec.vm !== undefined) return make();
    const kept = surveysOn(spec.hosts, surveys);
    const key = JSON.stringify(shape);
    const known = kept.get(key);
    known?.refresh();
    const survey = known ?? make();
    kept.set(key, survey);
    return survey;
  }

  #survey(seeker: HostSeeker, cluster: string, rows: Int32Array, known = { shape: shapeOf(seeker, this.#options.inventory), rules: this.#rulesOf(seeker, cluster) }): Survey {
    const { inventory, scorer = spheresimScorer } = this.#options;
    return new Survey(new VmToPlace(known.shape, { rules: known.rules, home: homeOf(seeker, inventory) }), inventory.ledger.hosts, rows, scorer);
  }

  /** Undefined when no rule concerns the VM, which is the usual case. */
  #rulesOf({ config, moid, rules = [], goesAhead = false }: HostSeeker, cluster: string): RulesOfVm | undefined {
    const found = this.#options.rules?.of(config.name, moid, cluster, rules, goesAhead);
    return found === undefined || found.isEmpty ? undefined : new RowRules(found, this.#options.inventory.ledger.hosts);
  }
}

/** A VM that exists counts with what it uses now; one that is off takes no reservation along and must only be able to lie on the host. */
function seekerOf({ config, vm, rules }: ResolvedSpec): HostSeeker {
  return vm === undefined ? { config, runs: true, rules } : { moid: vm.moid, config: vm.config, runs: vm.wantedOn || vm.isOn, rules };
}

/** The surveys of a set of hosts: every VM of a batch may have named the same hosts in a list of its own. */
function surveysOn(hosts: Int32Array, surveys: Surveys): Map<string, Survey> {
  for (const [rows, kept] of surveys) if (rows === hosts || (rows.length === hosts.length && rows.every((row, index) => row === hosts[index]))) return kept;
  const made = new Map<string, Survey>();
  surveys.set(hosts, made);
  return made;
}
