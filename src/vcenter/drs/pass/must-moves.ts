import { emptiestHosts } from "./emptiest-hosts.js";
import type { Bond, Layout } from "./layout.js";
import { FULL, Mover } from "./mover.js";
import { HostRole, type Move, type PassInput, type PassRule } from "./pass-input.js";

/** So many of the least loaded hosts are tried for VMs that belong together. Ours. */
const MAX_HOMES = 64;

/**
 * Moves that every threshold makes, in this order: away from hosts that must be empty, then what rules are not obeyed: VM-Host musts, VMs
 * to be kept apart, VMs to be kept together, VM-Host shoulds; then away from hosts in quarantine. That maintenance, proactive HA and rules come
 * before balance at every threshold is published; the order among them is ours. Each VM goes to the host that would be least loaded with it;
 * one that no host takes stays.
 */
export function mustMoves(input: PassInput, layout: Layout): Move[] {
  const mover = new Mover(input, layout);
  if (input.hosts.role.includes(HostRole.EVACUATES)) evacuate(mover, HostRole.EVACUATES);
  for (const rule of input.rules) if (rule.kind === "vmHost" && rule.mandatory) leaveForbidden(rule, mover);
  for (const bond of layout.bonds) if (bond.rule.kind === "apart") separate(bond, mover);
  for (const bond of layout.bonds) if (bond.rule.kind === "together") gather(bond, mover);
  for (const rule of input.rules) if (rule.kind === "vmHost" && !rule.mandatory) leaveForbidden(rule, mover);
  if (input.hosts.role.includes(HostRole.RELIEVED)) evacuate(mover, HostRole.RELIEVED);
  return mover.moves;
}

/**
 * VMs of hosts with a role. Those a rule keeps together leave together, unless others of them are elsewhere: they go there. From a host in
 * quarantine they leave only for one where nobody is worse off and that every rule likes.
 */
function evacuate(mover: Mover, role: typeof HostRole.EVACUATES | typeof HostRole.RELIEVED): void {
  const { input, layout } = mover;
  const mustLeave = role === HostRole.EVACUATES;
  const reason = mustLeave ? "hostMaint" : "hostInDegradation";
  const evacuates = (host: number): boolean => input.hosts.role[host] === role;
  const leaving = Array.from(layout.hostOf.keys()).filter((vm) => mover.isFree(vm) && evacuates(layout.hostOf[vm] as number));
  const triedTogether = new Set<number>();
  // Another one first with each pass: there may be more of them than a pass tries, and the first ones may have nowhere to go.
  const start = leaving.length === 0 ? 0 : (input.turn * 1_000) % leaving.length;
  for (const vm of [...leaving.slice(start), ...leaving.slice(0, start)]) {
    if (mover.isExhausted) return;
    if (!mover.isFree(vm) || triedTogether.has(vm)) continue;
    const bonds = layout.bondsOf(vm).filter(({ rule, running }) => rule.kind === "together" && running > 1);
    if (bonds.length > 0 && bonds.every(({ on }) => everyKey(on, evacuates))) {
      const together = [...new Set(bonds.flatMap(({ rule }) => [...rule.vms]))].filter((other) => (layout.hostOf[other] as number) >= 0);
      for (const each of together) triedTogether.add(each);
      const homes = emptiestHosts(input, layout, MAX_HOMES).filter((home) => mustLeave || hasRoom(layout, home, together));
      mover.goTogether(together, homes, bonds, reason, "");
      continue;
    }
    const to = mover.newHostFor(vm);
    if (to !== -1 && (mustLeave || hasRoom(layout, to, [vm]))) mover.go(vm, to, reason, "");
  }
}

/** Whether the VMs fit on a host without anybody going short, and every rule that should be obeyed likes them there. */
function hasRoom(layout: Layout, host: number, vms: readonly number[]): boolean {
  // Put there on paper: loads do not add up, as one VM may weigh by its CPU and the next one by its memory.
  const homes = vms.map((vm) => layout.hostOf[vm] as number);
  for (const vm of vms) layout.move(vm, host);
  const fits = layout.load(host) <= FULL;
  for (const [index, vm] of vms.entries()) layout.move(vm, homes[index] as number);
  return fits && vms.every((vm) => layout.isPreferred(host, vm));
}

/** A VM that only should be elsewhere goes where it should, or not at all. */
function leaveForbidden(rule: Extract<PassRule, { readonly kind: "vmHost" }>, mover: Mover): void {
  const { layout } = mover;
  for (const vm of rule.vms) {
    const host = layout.hostOf[vm] as number;
    if (host < 0 || rule.allowed[host] === 1) continue;
    const to = mover.newHostFor(vm);
    if (to === -1) continue;
    if (rule.mandatory) mover.go(vm, to, "vmHostHardAffinity", rule.name);
    else if (rule.allowed[to] === 1 && layout.loadWith(to, vm, 1) <= FULL) mover.go(vm, to, "vmHostSoftAffinity", rule.name);
  }
}

/** Of VMs that share a host one stays: one that cannot move, or that no other host takes, where there is one. */
function separate({ rule, on, running }: Bond, mover: Mover): void {
  if (on.size === running) return;
  const { layout, input } = mover;
  const fixedFirst = [...rule.vms].filter((vm) => (layout.hostOf[vm] as number) >= 0).sort((left, right) => (input.vms.movable[left] as number) - (input.vms.movable[right] as number));
  const stays = new Map<number, number>();
  const leaves = (vm: number): boolean => {
    const to = mover.newHostFor(vm);
    if (to !== -1) mover.go(vm, to, "antiAffin", rule.name);
    return to !== -1;
  };
  for (const vm of fixedFirst) {
    const host = layout.hostOf[vm] as number;
    const other = stays.get(host);
    if (other === undefined) stays.set(host, vm);
    else if (leaves(vm)) stays.set(layout.hostOf[vm] as number, vm);
    else if (leaves(other)) {
      stays.set(layout.hostOf[other] as number, other);
      stays.set(host, vm);
    }
  }
}

/** All go where most of them are, or where one is that cannot move; where that host has no room for all, to another that has. Otherwise they stay: half a move obeys no rule. */
function gather(bond: Bond, mover: Mover): void {
  const { layout } = mover;
  const here = [...bond.on].sort((left, right) => right[1] - left[1]);
  if (here.length < 2) return;
  const running = [...bond.rule.vms].filter((vm) => (layout.hostOf[vm] as number) >= 0);
  const fixed = new Set(running.filter((vm) => !mover.isFree(vm)).map((vm) => layout.hostOf[vm] as number));
  if (fixed.size > 1) return;
  const homes = fixed.size === 1 ? [...fixed] : [...here.map(([host]) => host), ...emptiestHosts(mover.input, layout, MAX_HOMES)];
  mover.goTogether(running.filter((vm) => mover.isFree(vm)), homes, [bond], "jointAffin", bond.rule.name);
}

function everyKey(map: ReadonlyMap<number, unknown>, holds: (key: number) => boolean): boolean {
  for (const key of map.keys()) if (!holds(key)) return false;
  return true;
}
