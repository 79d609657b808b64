import type { VirtualMachineConfigSpec } from "../../gen/spheresim/vim/v1/virtual_machine.js";
import { NOTHING } from "../drs/amount.js";
import { vmShape, type VmShape } from "../drs/vm-shape.js";
import type { Home } from "../drs/vm-to-place.js";
import type { Inventory } from "../inventory/inventory.js";

/** A VM that a host is chosen for. */
export interface Candidate {
  /** Its moid, where it exists. */
  readonly moid?: string | undefined;
  readonly config: VirtualMachineConfigSpec;
  /** Whether it will run there; one that stays off needs nothing unreserved. */
  readonly runs: boolean;
}

/** What DRS looks at in it: with what it uses now, or is expected to use when it runs. */
export function shapeOf({ moid, config, runs }: Candidate, inventory: Inventory): VmShape {
  const isOn = moid !== undefined && inventory.findVm(moid)?.isOn === true;
  const shape = vmShape(config, inventory.meter.read({ moid, config, isOn }));
  return runs ? shape : { ...shape, reserved: NOTHING };
}

/** Where it is, and what it takes there; undefined for one that is still to be created. */
export function homeOf({ moid }: Candidate, inventory: Inventory): Home | undefined {
  const vm = moid === undefined ? undefined : inventory.findVm(moid);
  if (vm === undefined) return undefined;
  const claim = inventory.ledger.get(vm.moid);
  return { row: inventory.ledger.hosts.row(vm.host), reserved: claim?.reserved ?? NOTHING, demand: claim?.demand ?? NOTHING };
}
