import { type Amount, minus, NOTHING, plus, type Resource, RESOURCES } from "./amount.js";
import { type Claim, ClaimTable } from "./claim-table.js";
import type { ClusterAccount } from "./failover.js";
import { type HostCandidate, isUsable } from "./host-candidate.js";
import { HostTable } from "./host-table.js";
import { type PoolAllocation, type PoolShortage, PoolTree, ROOT_ALLOCATION } from "./pool-tree.js";

export type { Claim } from "./claim-table.js";

/** The account of one host at this moment. */
export interface HostAccount {
  readonly capacity: Amount;
  readonly reserved: Amount;
  readonly active: Amount;
  readonly demand: Amount;
  readonly poweredOnVms: number;
}

/** How a host stands to its cluster. */
interface Membership {
  readonly rootPool: string;
  /** Whether its capacity counts for the cluster's root pool. */
  counted: boolean;
  /** Whether HA counts on it. */
  usable: boolean;
}

/**
 * Who claims how much of which host and pool. One synchronous check-and-claim per placement is what keeps concurrent placements from
 * overcommitting: no other placement can run in between.
 */
export class Ledger {
  readonly pools = new PoolTree();
  readonly hosts = new HostTable();
  readonly #memberships = new Map<string, Membership>();
  /** By root pool: what HA admission control looks at. */
  readonly #clusters = new Map<string, ClusterAccount>();
  readonly #claims = new ClaimTable();
  readonly #onChange: (host: string, pool: string | undefined) => void;

  /** `onChange` is told the host and the pool whose figures moved. */
  constructor(onChange: (host: string, pool: string | undefined) => void = () => undefined) {
    this.#onChange = onChange;
  }

  addRootPool(moid: string): void {
    this.pools.add(moid, undefined, ROOT_ALLOCATION);
    this.#clusters.set(moid, { capacity: NOTHING, reserved: NOTHING });
  }

  addHost(moid: string, capacity: Amount, rootPool: string): void {
    this.hosts.add(moid, capacity);
    this.#memberships.set(moid, { rootPool, counted: false, usable: false });
  }

  /** What a host is and how it is now. */
  describeHost(host: HostCandidate): void {
    this.hosts.describe(host);
    this.#setUsable(host.moid, isUsable(host));
  }

  /** Forgets a host without claims. */
  removeHost(moid: string): void {
    this.countHost(moid, false);
    this.#setUsable(moid, false);
    this.hosts.remove(moid);
    this.#memberships.delete(moid);
  }

  /** Whether the host's capacity belongs to what the cluster can give: a host in maintenance counts as outside the cluster. */
  countHost(moid: string, counted: boolean): void {
    const host = this.#membership(moid);
    if (host.counted === counted) return;
    host.counted = counted;
    const root = this.pools.allocation(host.rootPool);
    const { capacity } = this.host(moid);
    const reservation = counted ? plus(root.reservation, capacity) : minus(root.reservation, capacity);
    this.pools.configure(host.rootPool, { ...root, reservation });
  }

  host(moid: string): HostAccount {
    const { hosts } = this;
    const row = hosts.row(moid);
    const amount = (figure: "capacity" | "reserved" | "active" | "demand"): Amount => ({ cpuMhz: hosts[figure](row, "cpuMhz"), memoryMb: hosts[figure](row, "memoryMb") });
    return { capacity: amount("capacity"), reserved: amount("reserved"), active: amount("active"), demand: amount("demand"), poweredOnVms: hosts.poweredOnVms(row) };
  }

  /** What HA looks at: capacity of the usable hosts below a root pool, and everything reserved there. */
  cluster(rootPool: string): ClusterAccount {
    return this.#clusters.get(rootPool) ?? { capacity: NOTHING, reserved: NOTHING };
  }

  /** How many VMs and holds lie on the host. */
  claimsOn(moid: string): number {
    return this.hosts.bookings(this.hosts.row(moid));
  }

  get(id: string): Claim | undefined {
    return this.#claims.get(id);
  }

  /** Books a claim, or replaces it. It books without asking: ask first (decision-tree.ts, `pools.shortage`). */
  claim(id: string, claim: Claim): void {
    this.release(id);
    this.#claims.put(id, claim);
    this.#book(claim, 1);
  }

  /** Gives a claim back; an unknown one is no matter. */
  release(id: string): void {
    const claim = this.#claims.take(id);
    if (claim !== undefined) this.#book(claim, -1);
  }

  /** What a claim uses and is expected to use has changed; what it reserves has not. An unknown one is no matter. */
  use(id: string, active: Amount, demand: Amount): void {
    const before = this.#claims.get(id);
    if (before === undefined) return;
    const row = this.hosts.row(before.host);
    this.hosts.use(row, before, -1);
    this.hosts.use(row, { active, demand }, 1);
    this.#claims.use(id, active, demand);
    if (before.pool !== undefined) this.pools.use(before.pool, minus(active, before.active));
    this.#onChange(before.host, before.pool);
  }

  /** Renames a claim without a moment in which the capacity is free: a hold becomes a VM. */
  rename(from: string, to: string, claim: Claim): void {
    this.release(from);
    this.claim(to, claim);
  }

  poolShortage(moid: string, amount: Amount): PoolShortage | undefined {
    return this.pools.shortage(moid, amount);
  }

  /** The same for each resource by itself. */
  poolShortages(moid: string, amount: Amount): PoolShortage[] {
    return RESOURCES.flatMap((resource: Resource) => this.pools.shortage(moid, { ...NOTHING, [resource]: amount[resource] }) ?? []);
  }

  addPool(moid: string, parent: string, allocation: PoolAllocation): void {
    this.pools.add(moid, parent, allocation);
  }

  #book(claim: Claim, sign: 1 | -1): void {
    this.hosts.book(this.hosts.row(claim.host), claim, sign);
    const change = sign === 1 ? plus : minus;
    const { rootPool } = this.#membership(claim.host);
    // A VM that moves is reserved twice for a while; HA counts it once, as its pool does.
    if (claim.pool !== undefined) {
      const cluster = this.cluster(rootPool);
      this.#clusters.set(rootPool, { ...cluster, reserved: change(cluster.reserved, claim.reserved) });
      this.pools.reserve(claim.pool, sign === 1 ? claim.reserved : minus(NOTHING, claim.reserved));
      this.pools.use(claim.pool, sign === 1 ? claim.active : minus(NOTHING, claim.active));
    }
    this.#onChange(claim.host, claim.pool);
  }

  #setUsable(moid: string, usable: boolean): void {
    const host = this.#membership(moid);
    if (host.usable === usable) return;
    host.usable = usable;
    const cluster = this.cluster(host.rootPool);
    const { capacity } = this.host(moid);
    this.#clusters.set(host.rootPool, { ...cluster, capacity: usable ? plus(cluster.capacity, capacity) : minus(cluster.capacity, capacity) });
  }

  #membership(moid: string): Membership {
    const host = this.#memberships.get(moid);
    if (host === undefined) throw new Error(`no host ${moid} in the ledger`);
    return host;
  }
}
