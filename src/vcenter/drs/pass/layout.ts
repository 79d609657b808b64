import { HostRole, type PassInput, type PassRule } from "./pass-input.js";

/** What VMs weigh where they are now, and what they would use of CPU with virtual CPUs without end. */
export interface Weights {
  readonly mhz: Float64Array;
  readonly mb: Float64Array;
  readonly usesMhz: Float64Array;
}

/** A rule between VMs, with how many of its VMs each host has; VMs that are off do not count. */
export interface Bond {
  readonly rule: Extract<PassRule, { readonly kind: "together" | "apart" }>;
  readonly on: Map<number, number>;
  readonly running: number;
}

type VmHostRule = Extract<PassRule, { readonly kind: "vmHost" }>;

const NO_BONDS: readonly Bond[] = [];
const NO_RULES: readonly VmHostRule[] = [];

/**
 * Which VM stands on which host, while the pass moves them about on paper: loads, reservations and rules follow each move. Load is what the
 * VMs of a host are entitled to, as a part of its capacity (DRS's normalised entitlement), of the resource that is used more.
 *
 * A question about a host and a VM costs as much as the VM has rules, however many VMs these name: a pass asks millions.
 */
export class Layout {
  readonly hostOf: Int32Array;
  /** The rules between VMs, in order. */
  readonly bonds: readonly Bond[];
  readonly #input: PassInput;
  readonly #weights: Weights;
  readonly #mhz: Float64Array;
  readonly #mb: Float64Array;
  readonly #cpuLoad: Float64Array;
  readonly #memoryLoad: Float64Array;
  readonly #reservedMhz: Float64Array;
  readonly #reservedMb: Float64Array;
  readonly #bondsOf = new Map<number, Bond[]>();
  readonly #hostRulesOf = new Map<number, VmHostRule[]>();

  constructor(input: PassInput, weights: Weights) {
    this.#input = input;
    this.#weights = weights;
    this.hostOf = input.vms.headsFor.slice();
    const hosts = input.hosts.role.length;
    this.#mhz = new Float64Array(hosts);
    this.#mb = new Float64Array(hosts);
    this.#cpuLoad = new Float64Array(hosts);
    this.#memoryLoad = new Float64Array(hosts);
    this.#reservedMhz = input.hosts.reservedMhz.slice();
    this.#reservedMb = input.hosts.reservedMb.slice();
    for (let vm = 0; vm < this.hostOf.length; vm += 1) {
      const host = this.hostOf[vm] as number;
      if (host < 0) continue;
      (this.#mhz[host] as number) += this.mhzOn(host, vm);
      (this.#mb[host] as number) += weights.mb[vm] as number;
    }
    for (let host = 0; host < hosts; host += 1) this.#weighUp(host);
    this.bonds = this.#bind();
  }

  get hostCount(): number {
    return this.#mhz.length;
  }

  cpuLoad(host: number): number {
    return this.#cpuLoad[host] as number;
  }

  memoryLoad(host: number): number {
    return this.#memoryLoad[host] as number;
  }

  load(host: number): number {
    return Math.max(this.#cpuLoad[host] as number, this.#memoryLoad[host] as number);
  }

  /** Load of a host with (1), or without (-1), a VM. */
  loadWith(host: number, vm: number, sign: 1 | -1): number {
    const { capacityMhz, capacityMb } = this.#input.hosts;
    const cpu = part((this.#mhz[host] as number) + sign * this.mhzOn(host, vm), capacityMhz[host] as number);
    return Math.max(cpu, part((this.#mb[host] as number) + sign * (this.#weights.mb[vm] as number), capacityMb[host] as number));
  }

  /**
   * CPU a VM would be entitled to on a host, MHz. What it can use is bounded by its virtual CPUs, which are as fast as the host's cores: on
   * faster cores it weighs more, or else it would move back as soon as it showed.
   */
  mhzOn(host: number, vm: number): number {
    const { hosts, vms, tree } = this.#input;
    const entitled = this.#weights.mhz[vm] as number;
    const home = tree.vms.host[vm] as number;
    const uses = this.#weights.usesMhz[vm] as number;
    if (home < 0 || home === host || hosts.coreMhz[home] === hosts.coreMhz[host]) return entitled;
    const cpus = vms.numCpus[vm] as number;
    const [here, there] = [Math.min(uses, cpus * (hosts.coreMhz[home] as number)), Math.min(uses, cpus * (hosts.coreMhz[host] as number))];
    return here === there || here <= 0 ? entitled : (entitled * there) / here;
  }

  bondsOf(vm: number): readonly Bond[] {
    return this.#bondsOf.get(vm) ?? NO_BONDS;
  }

  /**
   * Whether a host could run a VM that is elsewhere now: states, sizes, compatibility, reservations, rules that must be obeyed. `ignored`
   * are rules the caller sees to.
   */
  takes(host: number, vm: number, ignored: readonly Bond[] = NO_BONDS): boolean {
    const { hosts, vms, tree, compatible, offers } = this.#input;
    if (hosts.role[host] !== HostRole.TAKES || this.hostOf[vm] === host) return false;
    if ((vms.numCpus[vm] as number) > (hosts.cores[host] as number)) return false;
    const { memory, cpu } = tree.vms;
    const overheadMb = memory.overheadMb[vm] as number;
    if ((memory.sizeMb[vm] as number) + overheadMb > (hosts.capacityMb[host] as number)) return false;
    if ((this.#reservedMhz[host] as number) + (cpu.reservation[vm] as number) > (hosts.capacityMhz[host] as number)) return false;
    if ((this.#reservedMb[host] as number) + (memory.reservation[vm] as number) + overheadMb > (hosts.capacityMb[host] as number)) return false;
    if (compatible[(vms.need[vm] as number) * offers + (hosts.offer[host] as number)] !== 1) return false;
    for (const rule of this.#hostRulesOf.get(vm) ?? NO_RULES) if (rule.mandatory && rule.allowed[host] !== 1) return false;
    for (const bond of this.bondsOf(vm)) if (!agrees(bond, host) && !ignored.includes(bond)) return false;
    return true;
  }

  /** Whether every rule that should be obeyed likes the VM on the host. */
  isPreferred(host: number, vm: number): boolean {
    for (const rule of this.#hostRulesOf.get(vm) ?? NO_RULES) if (rule.allowed[host] !== 1) return false;
    return true;
  }

  move(vm: number, to: number): void {
    const from = this.hostOf[vm] as number;
    this.#book(from, vm, -1);
    this.#book(to, vm, 1);
    this.hostOf[vm] = to;
    for (const { on } of this.bondsOf(vm)) {
      const left = (on.get(from) ?? 0) - 1;
      if (left > 0) on.set(from, left);
      else on.delete(from);
      on.set(to, (on.get(to) ?? 0) + 1);
    }
  }

  #bind(): Bond[] {
    const bonds: Bond[] = [];
    for (const rule of this.#input.rules) {
      if (rule.kind === "vmHost") {
        for (const vm of rule.vms) append(this.#hostRulesOf, vm, rule);
        continue;
      }
      const on = new Map<number, number>();
      let running = 0;
      for (const vm of rule.vms) {
        const host = this.hostOf[vm] as number;
        if (host < 0) continue;
        on.set(host, (on.get(host) ?? 0) + 1);
        running += 1;
      }
      const bond = { rule, on, running };
      bonds.push(bond);
      for (const vm of rule.vms) append(this.#bondsOf, vm, bond);
    }
    return bonds;
  }

  #book(host: number, vm: number, sign: 1 | -1): void {
    const { memory, cpu } = this.#input.tree.vms;
    (this.#mhz[host] as number) += sign * this.mhzOn(host, vm);
    (this.#mb[host] as number) += sign * (this.#weights.mb[vm] as number);
    (this.#reservedMhz[host] as number) += sign * (cpu.reservation[vm] as number);
    (this.#reservedMb[host] as number) += sign * ((memory.reservation[vm] as number) + (memory.overheadMb[vm] as number));
    this.#weighUp(host);
  }

  #weighUp(host: number): void {
    this.#cpuLoad[host] = part(this.#mhz[host] as number, this.#input.hosts.capacityMhz[host] as number);
    this.#memoryLoad[host] = part(this.#mb[host] as number, this.#input.hosts.capacityMb[host] as number);
  }
}

/** Whether a rule likes one of its VMs, which is elsewhere, on the host as well. */
function agrees({ rule, on, running }: Bond, host: number): boolean {
  const there = on.get(host) ?? 0;
  return rule.kind === "apart" ? there === 0 : there > 0 || running <= 1;
}

function append<T>(map: Map<number, T[]>, key: number, value: T): void {
  const known = map.get(key);
  if (known === undefined) map.set(key, [value]);
  else known.push(value);
}

function part(amount: number, capacity: number): number {
  return capacity <= 0 ? Infinity : amount / capacity;
}
