import type { Rule } from "../../gen/spheresim/vcenter/v1/rule.js";
import type { MethodFault } from "../../gen/spheresim/vim/v1/fault.js";

/** The VM that rules are asked about. */
export interface RuleSubject {
  /** Undefined for a VM that is still to be created. */
  readonly moid: string | undefined;
  readonly name: string;
  readonly ownerUid: string;
  readonly cluster: string;
  /** Rules stated with the placement (PlacementSpec.rules), for this one alone. */
  readonly stated: readonly Rule[];
}

/** What the rules that concern one VM say of hosts, each by its row in the HostTable. */
export interface RulesOfVm {
  /** The fault by which a must rule (VM-VM, or mandatory VM-Host) forbids the host; undefined when none does. */
  verdict(row: number): MethodFault | undefined;
  /** What would have to change so that no must rule forbids the host: one sentence. Asked only where `verdict` forbids. */
  wouldFitIf(row: number): string;
  /** How much should rules favour the host: a host of a larger figure is taken before every host of a smaller one. A whole number, 0 for none. */
  preference(row: number): number;
}

/** The rules of the clusters, as placement asks them. */
export interface PlacementRules {
  /** Undefined when no rule concerns the VM, which is the usual case and costs nothing further. */
  concerning(vm: RuleSubject): RulesOfVm | undefined;
}

/** No rules at all. */
export const NO_RULES: PlacementRules = { concerning: () => undefined };
