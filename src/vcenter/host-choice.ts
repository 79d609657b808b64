import type { Dice } from "../base/seeded-random.js";
import type { VirtualMachineConfigSpec } from "../gen/spheresim/vim/v1/virtual_machine.js";
import { type Amount, NOTHING } from "./drs/amount.js";
import { poolFault, ruledOut } from "./drs/decision-tree.js";
import { type FeasibleHost, place } from "./drs/place.js";
import { vmShape, type VmShape } from "./drs/vm-shape.js";
import { type Inventory, inOrder } from "./inventory.js";
import { moref } from "./moref.js";
import { VimFault } from "./vim-fault.js";

/** What a host is chosen for. */
export interface Candidate {
  /** Its moid, where it exists. */
  readonly moid?: string | undefined;
  readonly config: VirtualMachineConfigSpec;
  /** Whether it will run there; one that stays off needs nothing unreserved. */
  readonly runs: boolean;
}

/** Where an ordinary VM that exists, or is about to, may go: the same questions and the same score as for a placement. */
export class HostChoice {
  readonly #inventory: Inventory;
  readonly #dice: Dice;

  constructor(inventory: Inventory, dice: Dice) {
    this.#inventory = inventory;
    this.#dice = dice;
  }

  /** Throws the fault that rules the host out. */
  admit(candidate: Candidate, host: string): void {
    const fault = ruledOut(this.#shapeOf(candidate), this.#inventory.candidate(host));
    if (fault !== undefined) throw fault;
  }

  /** Throws the fault of the pool, or of one above it, that has too little unreserved. */
  admitToPool(pool: string, amount: Amount): void {
    const shortage = this.#inventory.ledger.poolShortage(pool, amount);
    if (shortage !== undefined) throw poolFault(this.#inventory.pool(pool).name, shortage);
  }

  /** The best of the hosts. Throws NoCompatibleHost with the fault of each. */
  best(candidate: Candidate, hosts: readonly string[]): FeasibleHost {
    const inventory = this.#inventory;
    const { chosen, ruledOut: out } = place(this.#shapeOf(candidate), hosts.map((moid) => inventory.candidate(moid)), this.#dice.fork(`choose/${candidate.config.name}`));
    if (chosen !== undefined) return chosen;
    throw new VimFault(`No host is compatible with the virtual machine: ${out.length} looked at${out.length === 0 ? "" : `, the first because: ${out[0]?.fault.message}`}`, {
      $case: "noCompatibleHost",
      value: { host: out.map(({ host }) => moref("HostSystem", host.moid)), error: out.map(({ fault }) => fault.methodFault) },
    });
  }

  /** The hosts of a cluster, in order of moid. */
  hostsOf(cluster: string): string[] {
    return inOrder(this.#inventory.hosts.filter((host) => host.cluster === cluster).map((host) => host.moid));
  }

  #shapeOf({ moid, config, runs }: Candidate): VmShape {
    const isOn = moid !== undefined && this.#inventory.findVm(moid)?.isOn === true;
    const shape = vmShape(config, this.#inventory.meter.read({ moid, config, isOn }));
    return runs ? shape : { ...shape, reserved: NOTHING };
  }
}
