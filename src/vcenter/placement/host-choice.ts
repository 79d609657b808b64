import type { Dice } from "../../base/seeded-random.js";
import { type Candidate, homeOf, shapeOf } from "./candidate.js";
import { ClusterAdmission } from "../clusters/cluster-admission.js";
import type { Amount } from "../drs/amount.js";
import { type Scorer, spheresimScorer } from "../drs/host-score.js";
import { place } from "../drs/place.js";
import { RowRules } from "../drs/rules/row-rules.js";
import { Survey } from "../drs/survey.js";
import { VmToPlace } from "../drs/vm-to-place.js";
import type { Inventory } from "../inventory/inventory.js";
import { noCompatibleHost } from "./placement-result.js";
import type { PlacementRules } from "./placement-rules.js";
import { VimFault } from "../vim-fault.js";

/** What a host is chosen for. */
export interface HostSeeker extends Candidate {
  /** Whether it goes ahead of VMs that a rule keeps together with it: whoever moves them sees to that rule. */
  readonly goesAhead?: boolean | undefined;
}

/** The host that was found. */
export interface ChosenHost {
  readonly moid: string;
  /** 0 to 100. */
  readonly score: number;
}

/** What choosing needs. */
export interface HostChoiceOptions {
  readonly inventory: Inventory;
  readonly rules: PlacementRules;
  readonly dice: Dice;
  /** spheresim's own when absent. */
  readonly scorer?: Scorer;
}

/** Where an ordinary VM that exists, or is about to, may go: the same questions and the same score as for a placement. It holds nothing. */
export class HostChoice {
  readonly #options: HostChoiceOptions;
  readonly #admission: ClusterAdmission;

  constructor(options: HostChoiceOptions) {
    this.#options = options;
    this.#admission = new ClusterAdmission(options.inventory);
  }

  /** Throws the fault that rules the host out. */
  admit(candidate: HostSeeker, host: string): void {
    const { inventory } = this.#options;
    const survey = this.#survey(candidate, inventory.host(host).cluster, Int32Array.of(inventory.ledger.hosts.row(host)));
    if (!survey.isFeasible(0)) throw VimFault.of(survey.fault(0));
  }

  /** Throws the fault of HA, of the pool, or of one above it, that lets no more be reserved. */
  admitToPool(pool: string, reserved: Amount): void {
    const { inventory } = this.#options;
    const refusal = this.#admission.refusal(inventory.clusterOfPool(pool).ref?.value ?? "", inventory.pool(pool), reserved);
    if (refusal !== undefined) throw refusal.fault;
  }

  /** The best host of a cluster, but for one. Throws NoCompatibleHost with the fault of each. */
  best(candidate: HostSeeker, cluster: string, except?: string): ChosenHost {
    const { hosts } = this.#options.inventory.ledger;
    const all = hosts.rowsOf(cluster);
    return this.#best(candidate, cluster, except === undefined ? all : all.filter((row) => hosts.moid(row) !== except));
  }

  /** The one host, with its score. Throws NoCompatibleHost with its fault. */
  only(candidate: HostSeeker, host: string): ChosenHost {
    const { inventory } = this.#options;
    return this.#best(candidate, inventory.host(host).cluster, Int32Array.of(inventory.ledger.hosts.row(host)));
  }

  #best(candidate: HostSeeker, cluster: string, rows: Int32Array): ChosenHost {
    const survey = this.#survey(candidate, cluster, rows);
    const { chosen } = place(survey, this.#options.dice.fork(`choose/${candidate.config.name}`));
    if (chosen === undefined) throw noCompatibleHost(candidate.config.name, survey);
    return { moid: survey.hosts.moid(rows[chosen] ?? 0), score: survey.score(chosen) };
  }

  #survey(candidate: HostSeeker, cluster: string, rows: Int32Array): Survey {
    const { inventory, rules, scorer = spheresimScorer } = this.#options;
    const found = rules.of(candidate.config.name, candidate.moid, cluster, [], candidate.goesAhead === true);
    const vm = new VmToPlace(shapeOf(candidate, inventory), { rules: found.isEmpty ? undefined : new RowRules(found, inventory.ledger.hosts), home: homeOf(candidate, inventory) });
    return new Survey(vm, inventory.ledger.hosts, rows, scorer);
  }
}
