import type { Layout } from "./layout.js";
import { HostRole, type Move, type MoveReason, type PassInput, type PassRule } from "./pass-input.js";

/** Rating of what must be done at every threshold. */
const MUST = 5;

/**
 * Moves that every threshold makes, in this order: away from hosts that must be empty, then what rules are not obeyed: VM-Host musts, VMs
 * to be kept apart, VMs to be kept together, VM-Host shoulds. Each VM goes to the host that would be least loaded with it; one that no host
 * takes stays where it is.
 */
export function mustMoves(input: PassInput, layout: Layout): Move[] {
  const moves: Move[] = [];
  const moved = new Set<number>();
  const go = (vm: number, reason: MoveReason, rule: string, only?: number): boolean => {
    if (input.vms.movable[vm] !== 1 || moved.has(vm)) return false;
    const to = only ?? leastLoaded(layout, vm);
    const from = layout.hostOf[vm] as number;
    if (to === -1 || from < 0 || !layout.takes(to, vm)) return false;
    moves.push({ vm, from, to, rating: MUST, reason, rule, fromLoad: layout.load(from), toLoad: layout.load(to) });
    moved.add(vm);
    layout.move(vm, to);
    return true;
  };

  if (input.hosts.role.includes(HostRole.EVACUATES)) {
    for (let vm = 0; vm < layout.hostOf.length; vm += 1) if (input.hosts.role[layout.hostOf[vm] as number] === HostRole.EVACUATES) go(vm, "hostMaint", "");
  }
  for (const rule of input.rules) if (rule.kind === "vmHost" && rule.mandatory) leaveForbidden(rule, layout, (vm) => go(vm, "vmHostHardAffinity", rule.name));
  for (const rule of input.rules) if (rule.kind === "apart") separate(rule, input, layout, (vm) => go(vm, "antiAffin", rule.name));
  for (const rule of input.rules) if (rule.kind === "together") gather(rule, layout, (vm, host) => go(vm, "jointAffin", rule.name, host));
  for (const rule of input.rules) {
    if (rule.kind !== "vmHost" || rule.mandatory) continue;
    leaveForbidden(rule, layout, (vm) => {
      const to = leastLoaded(layout, vm);
      return to !== -1 && rule.allowed[to] === 1 && go(vm, "vmHostSoftAffinity", rule.name, to);
    });
  }
  return moves;
}

/** The host that takes the VM and would be least loaded with it, one that should rules like before all others; -1 when none takes it. */
export function leastLoaded(layout: Layout, vm: number): number {
  let best = -1;
  let bestLoad = Infinity;
  let bestPreferred = false;
  for (let host = 0; host < layout.hostCount; host += 1) {
    if (!layout.takes(host, vm)) continue;
    const preferred = layout.isPreferred(host, vm);
    const load = layout.loadWith(host, vm, 1);
    if (best !== -1 && (preferred === bestPreferred ? load >= bestLoad : bestPreferred)) continue;
    best = host;
    bestLoad = load;
    bestPreferred = preferred;
  }
  return best;
}

type VmVmRule = Extract<PassRule, { readonly kind: "together" | "apart" }>;

function leaveForbidden(rule: Extract<PassRule, { readonly kind: "vmHost" }>, layout: Layout, go: (vm: number) => boolean): void {
  for (const vm of rule.vms) {
    const host = layout.hostOf[vm] as number;
    if (host >= 0 && rule.allowed[host] !== 1) go(vm);
  }
}

/** Of the VMs that share a host one stays: one that cannot move, where there is one. */
function separate(rule: VmVmRule, input: PassInput, layout: Layout, go: (vm: number) => boolean): void {
  const fixedFirst = [...rule.vms].filter((vm) => (layout.hostOf[vm] as number) >= 0).sort((left, right) => (input.vms.movable[left] as number) - (input.vms.movable[right] as number));
  const taken = new Set<number>();
  for (const vm of fixedFirst) {
    if (taken.has(layout.hostOf[vm] as number)) go(vm);
    taken.add(layout.hostOf[vm] as number);
  }
}

/** All go to the host that has most of them, of several the first. */
function gather(rule: VmVmRule, layout: Layout, go: (vm: number, host: number) => boolean): void {
  const members = new Map<number, number>();
  for (const vm of rule.vms) {
    const host = layout.hostOf[vm] as number;
    if (host >= 0) members.set(host, (members.get(host) ?? 0) + 1);
  }
  if (members.size < 2) return;
  const [home] = [...members].reduce((most, each) => (each[1] > most[1] ? each : most));
  for (const vm of rule.vms) {
    const host = layout.hostOf[vm] as number;
    if (host >= 0 && host !== home) go(vm, home);
  }
}
