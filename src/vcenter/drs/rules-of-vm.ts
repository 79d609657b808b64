import type { MethodFault } from "../../gen/spheresim/vim/v1/fault.js";

/** What the rules that concern one VM say of hosts, each by its row in the HostTable: the decision tree's view of rules. */
export interface RulesOfVm {
  /** Whether no must rule (VM-VM, or mandatory VM-Host) forbids the host. Asked of every host, so it makes no objects. */
  allows(row: number): boolean;
  /** The fault by which a must rule forbids the host. Asked only where it does. */
  fault(row: number): MethodFault;
  /** What would have to change so that no must rule forbids the host: one sentence. Asked only where one does. */
  wouldFitIf(row: number): string;
  /** How much should rules favour the host: a host of a larger figure is taken before every host of a smaller one. A whole number, 0 for none. */
  preference(row: number): number;
}
