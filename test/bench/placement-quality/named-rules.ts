import { NO_RULES, type PlacementRules } from "../../../src/vcenter/drs/placement-rules.js";
import type { HostTable } from "../../../src/vcenter/drs/host-table.js";
import type { DrsRule } from "../../../src/vcenter/drs/rules/rule.js";
import { RuleBook } from "../../../src/vcenter/drs/rules/rule-book.js";
import { VmRules } from "../../../src/vcenter/drs/rules/vm-rules.js";

/** DRS's rules asked by the names of guests, so that they count for guests that are still to be created. */
export function namedRules(rules: readonly DrsRule[], hosts: HostTable, hostsOf: (guest: string) => readonly string[]): PlacementRules {
  const book = new RuleBook(rules);
  if (book.inForce.length < rules.length) throw new RangeError("rules of a workload must not conflict");
  if (rules.length === 0) return NO_RULES;
  return {
    concerning: ({ name }) => {
      const ofVm = book.ofVm(name);
      if (ofVm.length === 0) return undefined;
      const said = new VmRules(name, name, ofVm, hostsOf);
      return {
        verdict: (row) => said.verdict({ moid: hosts.moid(row), name: hosts.name(row) })?.methodFault,
        wouldFitIf: () => "",
        preference: (row) => (said.isPreferred(hosts.moid(row)) ? 1 : 0),
      };
    },
  };
}
