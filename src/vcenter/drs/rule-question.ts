import type { MethodFault } from "../../gen/spheresim/vim/v1/fault.js";
import type { Question } from "./host-question.js";

/** No must rule between VMs, or with hosts, forbids the host. */
export const placementRules: Question = {
  passes: (vm, _hosts, row) => vm.rules === undefined || vm.rules.allows(row),
  fault: (vm, _hosts, row) => vm.rules?.fault(row) ?? NO_FAULT,
  wouldFitIf: (vm, _hosts, row) => vm.rules?.wouldFitIf(row) ?? "",
};

/** Never answered: `fault` is asked only of hosts that do not pass. */
const NO_FAULT: MethodFault = { localizedMessage: "", fault: undefined };
