import type { Plan, PlannedAllocation, PlannedPool, PlannedVm } from "./plan.js";

/** A pool or VM of the model, with what it is guaranteed, what it has before idle memory costs more, and what it can use at most. */
export interface Node {
  readonly name: string;
  readonly settings: PlannedAllocation;
  readonly children: readonly Node[];
  readonly floor: number;
  readonly active: number;
  readonly cap: number;
  /** In force. */
  readonly shares: number;
}

export type Resource = "cpu" | "memory";

/**
 * Entitlement the slow way, from the words of the documentation alone: a tree of objects, and small coins handed one by one to the sibling
 * that has paid least for its shares.
 */
export function modelTree(plan: Plan, resource: Resource): Node | undefined {
  return poolNode(plan, resource, 0, false);
}

function vmNode(vm: PlannedVm, row: number, resource: Resource): Node {
  const settings = vm[resource];
  const most = settings.limit === -1 ? Infinity : settings.limit;
  const node = { name: `vm ${row}`, settings, children: [], shares: settings.shares };
  if (resource === "cpu") {
    const cap = Math.min(most, vm.cpu.demandMhz, vm.cpu.sizeMhz);
    return { ...node, cap, active: cap, floor: Math.min(cap, settings.reservation) };
  }
  const { sizeMb, activeMb, consumedMb, overheadMb } = vm.memory;
  const cap = Math.min(most, sizeMb, activeMb + (consumedMb - activeMb) / 4) + overheadMb;
  const floor = Math.min(cap, settings.reservation + overheadMb);
  return { ...node, cap, active: Math.min(cap, Math.max(floor, activeMb + overheadMb)), floor };
}

function poolNode(plan: Plan, resource: Resource, row: number, scaledFromAbove: boolean): Node | undefined {
  const pool = plan.pools[row] as PlannedPool;
  const scalesBelow = scaledFromAbove || pool.scalesShares;
  const pools = plan.pools.flatMap((each, index) => (each.parent === row ? (poolNode(plan, resource, index, scalesBelow) ?? []) : []));
  const vms = plan.vms.flatMap((vm, index) => (vm.pool === row && vm.poweredOn ? [vmNode(vm, index, resource)] : []));
  if (pools.length + vms.length === 0) return undefined;
  const least = Math.min(...pools.map((each) => each.settings.shares).filter((shares) => shares > 0));
  const scaled = pools.map((each) => ({ ...each, shares: scalesBelow && each.settings.shares > 0 ? (each.settings.shares / least) * sum(each.children, "shares") : each.settings.shares }));
  const children: readonly Node[] = [...scaled, ...vms];
  const settings = pool[resource];
  const cap = Math.min(settings.limit === -1 ? Infinity : settings.limit, sum(children, "cap"));
  const floor = Math.min(cap, Math.max(settings.reservation, sum(children, "floor")));
  return { name: `pool ${row}`, settings, children, cap, active: Math.min(cap, Math.max(floor, sum(children, "active"))), floor, shares: settings.shares };
}

/** What everyone below gets of `amount`, in coins of a `coins`-th of it. */
export function modelShare(node: Node, amount: number, idleCost: number, coins: number, into = new Map<string, number>()): Map<string, number> {
  into.set(node.name, amount);
  const { children } = node;
  if (children.length === 0) return into;
  const floors = sum(children, "floor");
  const part = floors === 0 ? 0 : Math.min(1, amount / floors);
  const held = children.map((child) => child.floor * part);
  const coin = amount / coins;
  for (let left = amount - floors * part; left > 0; left -= coin) {
    const winner = cheapest(children, held, idleCost);
    if (winner === -1) break;
    held[winner] = Math.min((children[winner] as Node).cap, (held[winner] as number) + Math.min(coin, left));
  }
  for (const [index, child] of children.entries()) modelShare(child, held[index] as number, idleCost, coins, into);
  return into;
}

/** Who has paid least per share; those without shares come last, as if each had one. */
function cheapest(children: readonly Node[], held: readonly number[], idleCost: number): number {
  let best = -1;
  let bestPrice: readonly [number, number] = [Infinity, Infinity];
  for (const [index, child] of children.entries()) {
    const has = held[index] as number;
    if (has >= child.cap) continue;
    const free = Math.max(0, child.active - child.floor);
    const beyond = has - child.floor;
    const paid = Math.min(beyond, free) + Math.max(0, beyond - free) * idleCost;
    const price = [child.shares === 0 ? Number.MAX_VALUE : paid / child.shares, child.shares === 0 ? paid : 0] as const;
    if (price[0] < bestPrice[0] || (price[0] === bestPrice[0] && price[1] < bestPrice[1])) [best, bestPrice] = [index, price];
  }
  return best;
}

function sum(nodes: readonly Node[], key: "cap" | "active" | "floor" | "shares"): number {
  return nodes.reduce((total, node) => total + node[key], 0);
}
