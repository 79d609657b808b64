import { type Amount, minus, NOTHING, plus, RESOURCES, type Resource } from "./amount.js";

/** The settings of a pool that admission looks at. */
export interface PoolAllocation {
  readonly reservation: Amount;
  /** Infinity where unlimited. */
  readonly limit: Amount;
  readonly expandable: Readonly<Record<Resource, boolean>>;
}

/** A root pool before its hosts are known: it owns nothing and can borrow from nobody. */
export const ROOT_ALLOCATION: PoolAllocation = {
  reservation: NOTHING,
  limit: { cpuMhz: Infinity, memoryMb: Infinity },
  expandable: { cpuMhz: false, memoryMb: false },
};

/** What a pool lacks to take a reservation. */
export interface PoolShortage {
  readonly resource: Resource;
  readonly unreserved: number;
  readonly requested: number;
}

interface PoolNode {
  parent: PoolNode | undefined;
  allocation: PoolAllocation;
  /** Reserved by VMs directly inside. */
  vmReserved: Amount;
  /** What the child pools take from this one: the sum of their contributions. */
  childReserved: Amount;
  /** Used now by VMs inside and below. */
  active: Amount;
}

/**
 * Reservations of resource pools, checked up the tree (vSphere Resource Management Guide, "reservation used" and expandable
 * reservations).
 *
 * *Used* of a pool is what its VMs reserve plus, for each child pool, the larger of the child's reservation and the child's own use.
 * A VM fits into a pool that has so much unreserved itself, or may borrow the rest from its parent because it is expandable.
 *
 * Example: MOM reserves 6 of which a VM uses 1; KID, inside MOM and expandable, reserves 2. A first VM of 2 in KID is local. A second
 * borrows 2 from MOM, which has 6 - 1 - 2 = 3 left. Had MOM's own VMs reserved 3, only 1 would be left and KID refuses.
 */
export class PoolTree {
  readonly #nodes = new Map<string, PoolNode>();

  /** Adds a pool; without a parent it is the root pool of a cluster. */
  add(moid: string, parent: string | undefined, allocation: PoolAllocation): void {
    const above = parent === undefined ? undefined : this.#node(parent);
    const node: PoolNode = { parent: above, allocation, vmReserved: NOTHING, childReserved: NOTHING, active: NOTHING };
    this.#nodes.set(moid, node);
    if (above !== undefined) for (const resource of RESOURCES) growChildren(above, resource, contribution(node, resource));
  }

  /** Forgets a pool, which has neither VMs nor children. */
  remove(moid: string): void {
    const node = this.#node(moid);
    if (node.parent !== undefined) for (const resource of RESOURCES) growChildren(node.parent, resource, -contribution(node, resource));
    this.#nodes.delete(moid);
  }

  /** Hangs a pool, with all in it, below another parent; `moveShortage` says beforehand whether it fits. */
  move(moid: string, parent: string): void {
    const node = this.#node(moid);
    const above = this.#node(parent);
    for (const resource of RESOURCES) {
      const moved = contribution(node, resource);
      if (node.parent !== undefined) growChildren(node.parent, resource, -moved);
      growChildren(above, resource, moved);
    }
    this.#useAbove(node, minus(NOTHING, node.active));
    node.parent = above;
    this.#useAbove(node, node.active);
  }

  /** What keeps `parent` from taking the pool in, once the pool is out of its present place. */
  moveShortage(moid: string, parent: string): PoolShortage | undefined {
    const node = this.#node(moid);
    const moved = { cpuMhz: contribution(node, "cpuMhz"), memoryMb: contribution(node, "memoryMb") };
    if (node.parent !== undefined) for (const resource of RESOURCES) growChildren(node.parent, resource, -moved[resource]);
    const shortage = this.shortage(parent, moved);
    if (node.parent !== undefined) for (const resource of RESOURCES) growChildren(node.parent, resource, moved[resource]);
    return shortage;
  }

  has(moid: string): boolean {
    return this.#nodes.has(moid);
  }

  /** Changes a pool's settings; `shortageOf` says beforehand whether they fit. */
  configure(moid: string, allocation: PoolAllocation): void {
    const node = this.#node(moid);
    const before = { cpuMhz: contribution(node, "cpuMhz"), memoryMb: contribution(node, "memoryMb") };
    node.allocation = allocation;
    if (node.parent !== undefined) for (const resource of RESOURCES) growChildren(node.parent, resource, contribution(node, resource) - before[resource]);
  }

  allocation(moid: string): PoolAllocation {
    return this.#node(moid).allocation;
  }

  /** Books `amount` (negative gives back) for a VM directly inside the pool. Books without asking: a VM that runs, runs. */
  reserve(moid: string, amount: Amount): void {
    const node = this.#node(moid);
    for (const resource of RESOURCES) {
      const before = contribution(node, resource);
      node.vmReserved = { ...node.vmReserved, [resource]: node.vmReserved[resource] + amount[resource] };
      if (node.parent !== undefined) growChildren(node.parent, resource, contribution(node, resource) - before);
    }
  }

  /** Books what a VM directly inside uses more (negative: less) than before. */
  use(moid: string, change: Amount): void {
    if (change.cpuMhz === 0 && change.memoryMb === 0) return;
    const node = this.#node(moid);
    node.active = plus(node.active, change);
    this.#useAbove(node, change);
  }

  /** What VMs inside and below use now. */
  active(moid: string): Amount {
    return this.#node(moid).active;
  }

  /** The pool and all below it. */
  *within(moid: string): Iterable<string> {
    const top = this.#node(moid);
    for (const [below, node] of this.#nodes) if (isWithin(node, top)) yield below;
  }

  /** What the VMs directly inside the pool reserve. */
  reservedByVms(moid: string): Amount {
    return this.#node(moid).vmReserved;
  }

  /** What VMs and child pools reserve in the pool. */
  used(moid: string): Amount {
    const node = this.#node(moid);
    return { cpuMhz: used(node, "cpuMhz"), memoryMb: used(node, "memoryMb") };
  }

  /** What a VM could still reserve in the pool, borrowed from above included; never negative. */
  unreserved(moid: string): Amount {
    const node = this.#node(moid);
    return { cpuMhz: Math.max(0, unreserved(node, "cpuMhz")), memoryMb: Math.max(0, unreserved(node, "memoryMb")) };
  }

  /** What keeps the pool from taking a reservation of `amount`; undefined when it can. */
  shortage(moid: string, amount: Amount): PoolShortage | undefined {
    const node = this.#node(moid);
    for (const resource of RESOURCES) {
      const free = unreserved(node, resource);
      if (amount[resource] > 0 && amount[resource] > free) return { resource, unreserved: Math.max(0, free), requested: amount[resource] };
    }
    return undefined;
  }

  /** What keeps the pool from taking on these settings: its parent must have what its contribution grows by. */
  shortageOf(moid: string, allocation: PoolAllocation): PoolShortage | undefined {
    const node = this.#node(moid);
    for (const resource of RESOURCES) {
      const inUse = used(node, resource);
      const borrowed = inUse - allocation.reservation[resource];
      if (borrowed > 0 && !allocation.expandable[resource]) return { resource, unreserved: allocation.reservation[resource], requested: inUse };
      const growth = Math.max(allocation.reservation[resource], inUse) - contribution(node, resource);
      const free = node.parent === undefined ? Infinity : unreserved(node.parent, resource);
      if (growth > 0 && growth > free) return { resource, unreserved: Math.max(0, free), requested: growth };
    }
    return undefined;
  }

  #useAbove({ parent }: PoolNode, change: Amount): void {
    for (let node = parent; node !== undefined; node = node.parent) node.active = plus(node.active, change);
  }

  #node(moid: string): PoolNode {
    const node = this.#nodes.get(moid);
    if (node === undefined) throw new Error(`no pool ${moid} in the tree`);
    return node;
  }
}

function isWithin(node: PoolNode, top: PoolNode): boolean {
  for (let at: PoolNode | undefined = node; at !== undefined; at = at.parent) if (at === top) return true;
  return false;
}

function used(node: PoolNode, resource: Resource): number {
  return node.vmReserved[resource] + node.childReserved[resource];
}

/** What a pool takes from its parent. */
function contribution(node: PoolNode, resource: Resource): number {
  return Math.max(node.allocation.reservation[resource], used(node, resource));
}

function growChildren(node: PoolNode, resource: Resource, growth: number): void {
  if (growth === 0) return;
  const before = contribution(node, resource);
  node.childReserved = { ...node.childReserved, [resource]: node.childReserved[resource] + growth };
  if (node.parent !== undefined) growChildren(node.parent, resource, contribution(node, resource) - before);
}

function unreserved(node: PoolNode, resource: Resource): number {
  const inUse = used(node, resource);
  const { reservation, limit, expandable } = node.allocation;
  const own = reservation[resource] - inUse;
  const lent = node.parent !== undefined && expandable[resource] ? Math.max(0, unreserved(node.parent, resource)) : 0;
  return Math.min(limit[resource] - inUse, Math.max(0, own) + lent);
}
