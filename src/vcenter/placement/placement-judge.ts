import type { Dice } from "../../base/seeded-random.js";
import { type Candidate, homeOf, shapeOf } from "./candidate.js";
import { ClusterAdmission, type ClusterRefusal } from "../clusters/cluster-admission.js";
import { type Scorer, spheresimScorer } from "../drs/host-score.js";
import { type Decision, place } from "../drs/place.js";
import { RowRules } from "../drs/rules/row-rules.js";
import type { RulesOfVm } from "../drs/rules-of-vm.js";
import { Survey } from "../drs/survey.js";
import { VmToPlace } from "../drs/vm-to-place.js";
import type { VmShape } from "../drs/vm-shape.js";
import type { Inventory } from "../inventory/inventory.js";
import type { PlacementRules } from "./placement-rules.js";
import type { ResolvedSpec } from "./placement-spec.js";

/** What judging needs. */
export interface PlacementJudgeOptions {
  readonly inventory: Inventory;
  readonly dice: Dice;
  /** None when absent. */
  readonly rules?: PlacementRules | undefined;
  readonly scorer?: Scorer;
}

/** The cluster's refusal: HA or the pool said no before any host was asked. */
export interface Refusal extends ClusterRefusal {
  /** The hosts, for who wants to know what they would have said as well. */
  survey(): Survey;
}

/** Surveys kept for the length of one batch, by shape of VM and set of hosts. */
export type Surveys = Map<Int32Array, Map<string, Survey>>;

/** Walks the decision tree for a resolved spec: HA and pool first, then every host. It holds nothing. */
export class PlacementJudge {
  readonly #inventory: Inventory;
  readonly #dice: Dice;
  readonly #rules: PlacementRules | undefined;
  readonly #scorer: Scorer;
  readonly #admission: ClusterAdmission;

  constructor({ inventory, dice, rules, scorer = spheresimScorer }: PlacementJudgeOptions) {
    this.#inventory = inventory;
    this.#dice = dice;
    this.#rules = rules;
    this.#scorer = scorer;
    this.#admission = new ClusterAdmission(inventory);
  }

  /** `preferred` is the host to keep where it will do. With `surveys` what a VM of the same shape found out is used again. */
  judge(spec: ResolvedSpec, preferred: string | undefined, surveys?: Surveys): Decision | Refusal {
    const shape = shapeOf(candidateOf(spec), this.#inventory);
    // A VM that moves within its cluster changes neither what is reserved in it nor in its pool.
    const refusal = spec.vm === undefined ? this.#admission.refusal(spec.cluster, spec.pool, shape.reserved) : undefined;
    if (refusal !== undefined) return { ...refusal, survey: () => this.#survey(spec, shape, surveys) };
    // Ties are drawn by name, not in order of arrival nor by UID, which depends on it: the same pods get the same hosts however calls interleave.
    const own = this.#dice.fork(`place/${spec.namespace}/${spec.config.name}`);
    return place(this.#survey(spec, shape, surveys), own, preferred);
  }

  #survey(spec: ResolvedSpec, shape: VmShape, surveys: Surveys | undefined): Survey {
    const { ledger } = this.#inventory;
    const rules = this.#rulesOf(spec);
    const make = (): Survey => new Survey(new VmToPlace(shape, { rules, home: homeOf(candidateOf(spec), this.#inventory) }), ledger.hosts, spec.hosts, this.#scorer);
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

  /** Undefined when no rule concerns the VM, which is the usual case. */
  #rulesOf({ config, vm, cluster, rules }: ResolvedSpec): RulesOfVm | undefined {
    const found = this.#rules?.of(config.name, vm?.moid, cluster, rules);
    return found === undefined || found.isEmpty ? undefined : new RowRules(found, this.#inventory.ledger.hosts);
  }
}

/** A VM that exists counts with what it uses now; one that is off takes no reservation along and must only be able to lie on the host. */
function candidateOf({ config, vm }: ResolvedSpec): Candidate {
  return vm === undefined ? { config, runs: true } : { moid: vm.moid, config: vm.config, runs: vm.wantedOn || vm.isOn };
}

/** The surveys of a set of hosts: every VM of a batch may have named the same hosts in a list of its own. */
function surveysOn(hosts: Int32Array, surveys: Surveys): Map<string, Survey> {
  for (const [rows, kept] of surveys) if (rows === hosts || (rows.length === hosts.length && rows.every((row, index) => row === hosts[index]))) return kept;
  const made = new Map<string, Survey>();
  surveys.set(hosts, made);
  return made;
}
