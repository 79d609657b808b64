import { type Amount, NOTHING, type Resource } from "./amount.js";
import { predictedDemand } from "./demand.js";
import type { HostTable } from "./host-table.js";
import type { RulesOfVm } from "./rules-of-vm.js";
import type { VmShape } from "./vm-shape.js";

/** Where a VM that is to move runs now, and what it takes there. */
export interface Home {
  readonly row: number;
  readonly reserved: Amount;
  readonly demand: Amount;
}

/** A VM that needs a host, and what a host would look like with it: on its own host it is not counted twice. */
export class VmToPlace {
  readonly shape: VmShape;
  readonly rules: RulesOfVm | undefined;
  readonly #home: Home | undefined;
  /** Demand depends on the speed of the host's cores, of which a cluster has few. */
  #coreMhz = -1;
  #demand: Amount = NOTHING;

  constructor(shape: VmShape, options: { readonly home?: Home | undefined; readonly rules?: RulesOfVm | undefined } = {}) {
    this.shape = shape;
    this.#home = options.home;
    this.rules = options.rules;
  }

  /** Its row when it runs already. */
  get homeRow(): number | undefined {
    return this.#home?.row;
  }

  /** What the host has unreserved for it. */
  unreserved(hosts: HostTable, row: number, resource: Resource): number {
    return hosts.capacity(row, resource) - hosts.reserved(row, resource) + (row === this.#home?.row ? this.#home.reserved[resource] : 0);
  }

  /** What would be unreserved with it on the host. */
  unreservedThen(hosts: HostTable, row: number, resource: Resource): number {
    return this.unreserved(hosts, row, resource) - this.shape.reserved[resource];
  }

  /** What would be demanded of the host with it. */
  demandThen(hosts: HostTable, row: number, resource: Resource): number {
    const own = row === this.#home?.row ? this.#home.demand[resource] : 0;
    return hosts.demand(row, resource) - own + this.#demandAt(hosts.coreMhz(row))[resource];
  }

  #demandAt(coreMhz: number): Amount {
    if (coreMhz !== this.#coreMhz) {
      this.#demand = predictedDemand(this.shape, coreMhz);
      this.#coreMhz = coreMhz;
    }
    return this.#demand;
  }
}
