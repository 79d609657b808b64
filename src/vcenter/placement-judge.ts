import type { Dice } from "../base/seeded-random.js";
import { failoverFault, failoverFitsIf, poolFault, poolFitsIf } from "./drs/decision-tree.js";
import { failoverShortages, type FailoverShortage } from "./drs/failover.js";
import { type Scorer, spheresimScorer } from "./drs/host-score.js";
import { type Decision, place } from "./drs/place.js";
import { RowRules } from "./drs/rules/row-rules.js";
import type { RulesOfVm } from "./drs/rules-of-vm.js";
import type { PoolShortage } from "./drs/pool-tree.js";
import { Survey } from "./drs/survey.js";
import { type Home, VmToPlace } from "./drs/vm-to-place.js";
import { type VmShape, vmShape } from "./drs/vm-shape.js";
import { NOTHING } from "./drs/amount.js";
import type { Inventory } from "./inventory.js";
import type { PlacementRules } from "./placement-rules.js";
import type { ResolvedSpec } from "./placement-spec.js";
import type { VmRecord } from "./records.js";
import type { VimFault } from "./vim-fault.js";

/** What judging needs. */
export interface PlacementJudgeOptions {
  readonly inventory: Inventory;
  readonly dice: Dice;
  /** None when absent. */
  readonly rules?: PlacementRules | undefined;
  readonly scorer?: Scorer;
}

/** The cluster's refusal: HA or the pool said no before any host was asked. */
export interface Refusal {
  readonly fault: VimFault;
  /** What all would have to change in cluster and pool, one sentence each. */
  readonly wouldFitIf: readonly string[];
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

  constructor({ inventory, dice, rules, scorer = spheresimScorer }: PlacementJudgeOptions) {
    this.#inventory = inventory;
    this.#dice = dice;
    this.#rules = rules;
    this.#scorer = scorer;
  }

  /** `preferred` is the host to keep where it will do. With `surveys` what a VM of the same shape found out is used again. */
  judge(spec: ResolvedSpec, preferred: string | undefined, surveys?: Surveys): Decision | Refusal {
    const shape = shapeOf(spec);
    // A VM that moves within its cluster changes neither what is reserved in it nor in its pool.
    const refusal = spec.vm === undefined ? this.#clusterRefuses(spec, shape, surveys) : undefined;
    if (refusal !== undefined) return refusal;
    // Ties are drawn by name, not in order of arrival nor by UID, which depends on it: the same pods get the same hosts however calls interleave.
    const own = this.#dice.fork(`place/${spec.namespace}/${spec.config.name}`);
    return place(this.#survey(spec, shape, surveys), own, preferred);
  }

  #clusterRefuses(spec: ResolvedSpec, shape: VmShape, surveys: Surveys | undefined): Refusal | undefined {
    const { ledger } = this.#inventory;
    const pool = ledger.poolShortage(spec.pool.moid, shape.reserved);
    const failover = this.#failoverShortages(spec.cluster, shape);
    const [firstFailover] = failover;
    if (firstFailover === undefined && pool === undefined) return undefined;
    const { name } = this.#inventory.cluster(spec.cluster);
    return {
      fault: firstFailover === undefined ? poolFault(spec.pool.name, pool as PoolShortage) : failoverFault(name, firstFailover),
      wouldFitIf: [...failover.map((each) => failoverFitsIf(name, each)), ...ledger.poolShortages(spec.pool.moid, shape.reserved).map((each) => poolFitsIf(spec.pool.name, each))],
      survey: () => this.#survey(spec, shape, surveys),
    };
  }

  /** HA admission control: nothing where it is off. */
  #failoverShortages(cluster: string, shape: VmShape): FailoverShortage[] {
    const { dasConfig, rootPool } = this.#inventory.cluster(cluster);
    if (dasConfig === undefined || !dasConfig.enabled || !dasConfig.admissionControlEnabled) return [];
    const reserve = { cpuMhz: dasConfig.cpuFailoverResourcesPercent, memoryMb: dasConfig.memoryFailoverResourcesPercent };
    return failoverShortages(this.#inventory.ledger.cluster(rootPool?.value ?? ""), reserve, shape.reserved);
  }

  #survey(spec: ResolvedSpec, shape: VmShape, surveys: Surveys | undefined): Survey {
    const { ledger } = this.#inventory;
    const rules = this.#rulesOf(spec);
    const make = (): Survey => new Survey(new VmToPlace(shape, { rules, home: spec.vm === undefined ? undefined : this.#home(spec.vm) }), ledger.hosts, spec.hosts, this.#scorer);
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

  #home(vm: VmRecord): Home {
    const { ledger } = this.#inventory;
    const claim = ledger.get(vm.moid);
    return { row: ledger.hosts.row(vm.host), reserved: claim?.reserved ?? NOTHING, demand: claim?.demand ?? NOTHING };
  }
}

/** A VM that is off takes no reservation along; it must only be able to lie on the host. */
function shapeOf({ config, vm }: ResolvedSpec): VmShape {
  const shape = vmShape(config);
  return vm === undefined || vm.wantedOn || vm.isOn ? shape : { ...shape, reserved: NOTHING, activity: NOTHING };
}

/** The surveys of a set of hosts: every VM of a batch may have named the same hosts in a list of its own. */
function surveysOn(hosts: Int32Array, surveys: Surveys): Map<string, Survey> {
  for (const [rows, kept] of surveys) if (rows === hosts || (rows.length === hosts.length && rows.every((row, index) => row === hosts[index]))) return kept;
  const made = new Map<string, Survey>();
  surveys.set(hosts, made);
  return made;
}
