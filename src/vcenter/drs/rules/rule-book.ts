import type { DrsRule, VmHostRule } from "./rule.js";

/**
 * The rules of a cluster, those that conflict with an older one set aside: "the older rule takes precedence, and the newer rule is
 * disabled" (vSphere Resource Management Guide). Older is the smaller key.
 *
 * Two rules conflict when no placement of the VMs they share obeys both: two VMs kept together and apart, or a VM tied to hosts of
 * which none is left. As in vSphere each pair of rules is looked at, not what several of them imply together.
 *
 * Example: rule 1 keeps vm-1 and vm-2 together; rule 2 keeps vm-2, vm-3 and vm-1 apart: rule 2 is set aside because of rule 1. Rule 3,
 * vm-2 and vm-3 together, would conflict with rule 2 alone, which does not count: rule 3 is in force.
 */
export class RuleBook {
  static readonly EMPTY = new RuleBook([]);
  readonly #byVm = new Map<string, DrsRule[]>();
  readonly #inForce: readonly DrsRule[];
  /** The older rule in the way, by the key of the rule it sets aside. */
  readonly #setAside = new Map<number, DrsRule>();

  /** `rules` are those that somebody wants enabled. */
  constructor(rules: readonly DrsRule[]) {
    this.#inForce = rules.toSorted((left, right) => left.key - right.key).filter((rule) => this.#admit(rule));
  }

  /** The rules that count, oldest first. */
  get inForce(): readonly DrsRule[] {
    return this.#inForce;
  }

  /** The rules that count and name the VM, oldest first. */
  ofVm(vm: string): readonly DrsRule[] {
    return this.#byVm.get(vm) ?? [];
  }

  /** The older rule because of which this one does not count; undefined for one that does. */
  conflictOf(key: number): DrsRule | undefined {
    return this.#setAside.get(key);
  }

  #admit(rule: DrsRule): boolean {
    const older = this.#conflicting(rule);
    if (older !== undefined) {
      this.#setAside.set(rule.key, older);
      return false;
    }
    for (const vm of rule.vms) {
      const known = this.#byVm.get(vm);
      if (known === undefined) this.#byVm.set(vm, [rule]);
      else known.push(rule);
    }
    return true;
  }

  #conflicting(rule: DrsRule): DrsRule | undefined {
    const shared = new Map<DrsRule, number>();
    let oldest: DrsRule | undefined;
    for (const vm of rule.vms) {
      for (const other of this.#byVm.get(vm) ?? []) {
        const count = (shared.get(other) ?? 0) + 1;
        shared.set(other, count);
        if (conflicts(rule, other, count) && (oldest === undefined || other.key < oldest.key)) oldest = other;
      }
    }
    return oldest;
  }
}

/** Whether two rules that share so many VMs cannot both be obeyed. */
function conflicts(left: DrsRule, right: DrsRule, sharedVms: number): boolean {
  if (left.kind === "vmHost" || right.kind === "vmHost") return left.kind === "vmHost" && right.kind === "vmHost" && leavesNoHost(left, right);
  return left.kind !== right.kind && sharedVms >= 2;
}

/** Hosts off which both keep a VM leave all others; so two rules that keep off never conflict. */
function leavesNoHost(left: VmHostRule, right: VmHostRule): boolean {
  if (!left.affine && !right.affine) return false;
  const affine = left.affine ? left : right;
  const other = affine === left ? right : left;
  return ![...affine.hosts].some((host) => other.hosts.has(host) === other.affine);
}
