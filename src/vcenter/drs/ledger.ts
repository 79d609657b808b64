import { type Amount, minus, NOTHING, plus, shortOf, type Resource } from "./amount.js";
import { type PoolAllocation, type PoolShortage, PoolTree, ROOT_ALLOCATION } from "./pool-tree.js";

/** What one VM, or one hold for a VM to come, takes from a host and a pool. */
export interface Claim {
  readonly host: string;
  /** Undefined where its pool is charged by another claim of the same VM: the second of the two hosts of a migration. */
  readonly pool: string | undefined;
  /** Reservation with overhead. */
  readonly reserved: Amount;
  /** In use now; nothing for a hold. */
  readonly active: Amount;
  /** Expected use. */
  readonly demand: Amount;
  /** Whether it counts as a VM that is powered on. */
  readonly poweredOn: boolean;
}

/** The account of one host. */
export interface HostAccount {
  readonly capacity: Amount;
  readonly reserved: Amount;
  readonly active: Amount;
  readonly demand: Amount;
  readonly poweredOnVms: number;
}

interface MutableHostAccount {
  capacity: Amount;
  reserved: Amount;
  active: Amount;
  demand: Amount;
  poweredOnVms: number;
  claims: number;
  rootPool: string;
  /** Whether its capacity counts for the cluster's root pool. */
  counted: boolean;
}

/**
 * Who claims how much of which host and pool. One synchronous check-and-claim per placement is what keeps concurrent placements from
 * overcommitting: no other placement can run in between.
 */
export class Ledger {
  readonly pools = new PoolTree();
  readonly #hosts = new Map<string, MutableHostAccount>();
  readonly #claims = new Map<string, Claim>();
  readonly #onChange: (host: string, pool: string | undefined) => void;

  /** `onChange` is told the host and the pool whose figures moved. */
  constructor(onChange: (host: string, pool: string | undefined) => void = () => undefined) {
    this.#onChange = onChange;
  }

  addRootPool(moid: string): void {
    this.pools.add(moid, undefined, ROOT_ALLOCATION);
  }

  addHost(moid: string, capacity: Amount, rootPool: string): void {
    this.#hosts.set(moid, { capacity, reserved: NOTHING, active: NOTHING, demand: NOTHING, poweredOnVms: 0, claims: 0, rootPool, counted: false });
  }

  /** Forgets a host without claims. */
  removeHost(moid: string): void {
    this.countHost(moid, false);
    this.#hosts.delete(moid);
  }

  /** Whether the host's capacity belongs to what the cluster can give: a host in maintenance counts as outside the cluster. */
  countHost(moid: string, counted: boolean): void {
    const host = this.#host(moid);
    if (host.counted === counted) return;
    host.counted = counted;
    const root = this.pools.allocation(host.rootPool);
    const reservation = counted ? plus(root.reservation, host.capacity) : minus(root.reservation, host.capacity);
    this.pools.configure(host.rootPool, { ...root, reservation });
  }

  host(moid: string): HostAccount {
    return this.#host(moid);
  }

  /** How many VMs and holds lie on the host. */
  claimsOn(moid: string): number {
    return this.#host(moid).claims;
  }

  get(id: string): Claim | undefined {
    return this.#claims.get(id);
  }

  /** Books a claim, or replaces it. It books without asking: ask `hostShortage` and `pools.shortage` first. */
  claim(id: string, claim: Claim): void {
    this.release(id);
    this.#claims.set(id, claim);
    this.#book(claim, 1);
  }

  /** Gives a claim back; an unknown one is no matter. */
  release(id: string): void {
    const claim = this.#claims.get(id);
    if (claim === undefined) return;
    this.#claims.delete(id);
    this.#book(claim, -1);
  }

  /** What a claim uses and is expected to use has changed; what it reserves has not. An unknown one is no matter. */
  use(id: string, active: Amount, demand: Amount): void {
    const claim = this.#claims.get(id);
    if (claim === undefined) return;
    const host = this.#host(claim.host);
    host.active = plus(host.active, minus(active, claim.active));
    host.demand = plus(host.demand, minus(demand, claim.demand));
    if (claim.pool !== undefined) this.pools.use(claim.pool, minus(active, claim.active));
    this.#claims.set(id, { ...claim, active, demand });
    this.#onChange(claim.host, claim.pool);
  }

  /** Renames a claim without a moment in which the capacity is free: a hold becomes a VM. */
  rename(from: string, to: string, claim: Claim): void {
    this.release(from);
    this.claim(to, claim);
  }

  /** The resource the host has too little unreserved of; undefined when it can take `amount`. */
  hostShortage(moid: string, amount: Amount): { readonly resource: Resource; readonly unreserved: number; readonly requested: number } | undefined {
    const host = this.#host(moid);
    const free = minus(host.capacity, host.reserved);
    const resource = shortOf(amount, free);
    return resource === undefined ? undefined : { resource, unreserved: Math.max(0, free[resource]), requested: amount[resource] };
  }

  poolShortage(moid: string, amount: Amount): PoolShortage | undefined {
    return this.pools.shortage(moid, amount);
  }

  addPool(moid: string, parent: string, allocation: PoolAllocation): void {
    this.pools.add(moid, parent, allocation);
  }

  #book(claim: Claim, sign: 1 | -1): void {
    const host = this.#host(claim.host);
    const change = sign === 1 ? plus : minus;
    host.reserved = change(host.reserved, claim.reserved);
    host.active = change(host.active, claim.active);
    host.demand = change(host.demand, claim.demand);
    host.claims += sign;
    if (claim.poweredOn) host.poweredOnVms += sign;
    if (claim.pool !== undefined) {
      this.pools.reserve(claim.pool, sign === 1 ? claim.reserved : minus(NOTHING, claim.reserved));
      this.pools.use(claim.pool, sign === 1 ? claim.active : minus(NOTHING, claim.active));
    }
    this.#onChange(claim.host, claim.pool);
  }

  #host(moid: string): MutableHostAccount {
    const host = this.#hosts.get(moid);
    if (host === undefined) throw new Error(`no host ${moid} in the ledger`);
    return host;
  }
}
