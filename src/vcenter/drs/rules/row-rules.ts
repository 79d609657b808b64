import type { MethodFault } from "../../../gen/spheresim/vim/v1/fault.js";
import { RESOURCES } from "../amount.js";
import type { HostTable } from "../host-table.js";
import type { RulesOfVm } from "../rules-of-vm.js";
import type { VmRules } from "./vm-rules.js";

/** The rules of one VM, asked about rows of the host table. */
export class RowRules implements RulesOfVm {
  readonly #rules: VmRules;
  readonly #hosts: HostTable;

  constructor(rules: VmRules, hosts: HostTable) {
    this.#rules = rules;
    this.#hosts = hosts;
  }

  allows(row: number): boolean {
    return this.#rules.allows(this.#hosts.moid(row));
  }

  fault(row: number): MethodFault {
    const fault = this.#rules.verdict({ moid: this.#hosts.moid(row), name: this.#hosts.name(row) });
    if (fault === undefined) throw new Error(`no rule forbids ${this.#hosts.name(row)}`);
    return fault.methodFault;
  }

  wouldFitIf(row: number): string {
    const { fault } = this.fault(row);
    const rule = fault?.$case === "ruleViolation" || fault?.$case === "vmHostAffinityRuleViolation" ? fault.value.rule : "";
    return `${this.#hosts.name(row)} allowed by the rule "${rule}"`;
  }

  /** A should rule is followed as long as a host that obeys it is not fully used (Denneman, "preferential rules"). */
  preference(row: number): number {
    return this.#rules.hasPreference && this.#rules.isPreferred(this.#hosts.moid(row)) && !this.#isFullyUsed(row) ? 1 : 0;
  }

  #isFullyUsed(row: number): boolean {
    return RESOURCES.some((resource) => this.#hosts.demand(row, resource) >= this.#hosts.capacity(row, resource));
  }
}
