import type { MethodFault } from "../../gen/spheresim/vim/v1/fault.js";
import type { HostTable } from "./host-table.js";
import type { VmToPlace } from "./vm-to-place.js";

/** One question of the decision tree, asked about a VM and a host. */
export interface Question {
  /** Whether the host passes. Asked of every host, so it makes no objects. */
  passes(vm: VmToPlace, hosts: HostTable, row: number): boolean;
  /** The vim25 fault of a host that does not. A message, not an Error: there may be thousands. */
  fault(vm: VmToPlace, hosts: HostTable, row: number): MethodFault;
  /** What would have to change for a host that does not pass, in one sentence with figures and units. */
  wouldFitIf(vm: VmToPlace, hosts: HostTable, row: number): string;
  /** A host that this question alone rules out is used when no other host will do. */
  readonly isLastResort?: boolean;
}
