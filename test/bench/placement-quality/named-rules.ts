import type { DrsRule } from "../../../src/vcenter/drs/rules/rule.js";
import { RuleBook } from "../../../src/vcenter/drs/rules/rule-book.js";
import { VmRules } from "../../../src/vcenter/drs/rules/vm-rules.js";
import type { Inventory } from "../../../src/vcenter/inventory/inventory.js";
import { PlacementRules } from "../../../src/vcenter/placement/placement-rules.js";
import { RuleTable } from "../../../src/vcenter/clusters/rule-table.js";

/** The rules of a workload. They name guests that are still to be created, which have no moid in vCenter: they are asked by name. */
export class NamedRules extends PlacementRules {
  readonly #inventory: Inventory;
  readonly #book: RuleBook;

  /** Throws RangeError for rules that conflict. */
  constructor(inventory: Inventory, rules: readonly DrsRule[]) {
    super(inventory, new RuleTable(), { ofVm: () => undefined });
    this.#inventory = inventory;
    this.#book = new RuleBook(rules);
    if (this.#book.inForce.length < rules.length) throw new RangeError("rules of a workload must not conflict");
  }

  override of(name: string): VmRules {
    const rules = this.#book.ofVm(name);
    return rules.length === 0 ? VmRules.NONE : new VmRules(name, name, rules, (other) => this.#inventory.hostsOf(other));
  }
}
