import { HostRole, type PassInput, type PassRule } from "./pass-input.js";

/** What VMs weigh on their hosts. */
export interface Weights {
  readonly mhz: Float64Array;
  readonly mb: Float64Array;
}

const NO_RULES: readonly PassRule[] = [];

/**
 * Which VM stands on which host, while the pass moves them about on paper: load and reservations of hosts follow each move. Load is what
 * the VMs of a host are entitled to, as a part of its capacity (DRS's normalised entitlement), of the resource that is used more.
 */
export class Layout {
  readonly hostOf: Int32Array;
  readonly #input: PassInput;
  readonly #weights: Weights;
  readonly #mhz: Float64Array;
  readonly #mb: Float64Array;
  readonly #reservedMhz: Float64Array;
  readonly #reservedMb: Float64Array;
  readonly #rulesOf = new Map<number, PassRule[]>();

  constructor(input: PassInput, weights: Weights) {
    this.#input = input;
    this.#weights = weights;
    this.hostOf = input.tree.vms.host.slice();
    const hosts = input.hosts.role.length;
    this.#mhz = new Float64Array(hosts);
    this.#mb = new Float64Array(hosts);
    this.#reservedMhz = input.hosts.reservedMhz.slice();
    this.#reservedMb = input.hosts.reservedMb.slice();
    for (let vm = 0; vm < this.hostOf.length; vm += 1) {
      const host = this.hostOf[vm] as number;
      if (host < 0) continue;
      (this.#mhz[host] as number) += weights.mhz[vm] as number;
      (this.#mb[host] as number) += weights.mb[vm] as number;
    }
    for (const rule of input.rules) for (const vm of rule.vms) this.#rulesOf.set(vm, [...(this.#rulesOf.get(vm) ?? []), rule]);
  }

  get hostCount(): number {
    return this.#mhz.length;
  }

  cpuLoad(host: number): number {
    return part(this.#mhz[host] as number, this.#input.hosts.capacityMhz[host] as number);
  }

  memoryLoad(host: number): number {
    return part(this.#mb[host] as number, this.#input.hosts.capacityMb[host] as number);
  }

  load(host: number): number {
    return Math.max(this.cpuLoad(host), this.memoryLoad(host));
  }

  /** Load of a host with, or with a negative sign without, a VM. */
  loadWith(host: number, vm: number, sign: 1 | -1): number {
    const { capacityMhz, capacityMb } = this.#input.hosts;
    const cpu = part((this.#mhz[host] as number) + sign * (this.#weights.mhz[vm] as number), capacityMhz[host] as number);
    return Math.max(cpu, part((this.#mb[host] as number) + sign * (this.#weights.mb[vm] as number), capacityMb[host] as number));
  }

  rulesOf(vm: number): readonly PassRule[] {
    return this.#rulesOf.get(vm) ?? NO_RULES;
  }

  /** Whether a host could run a VM that is elsewhere now: states, sizes, compatibility, reservations, rules that must be obeyed. */
  takes(host: number, vm: number): boolean {
    const { hosts, vms, tree, compatible } = this.#input;
    if (hosts.role[host] !== HostRole.TAKES || this.hostOf[vm] === host) return false;
    if ((vms.numCpus[vm] as number) > (hosts.cores[host] as number)) return false;
    const { memory, cpu } = tree.vms;
    const overheadMb = memory.overheadMb[vm] as number;
    if ((memory.sizeMb[vm] as number) + overheadMb > (hosts.capacityMb[host] as number)) return false;
    if ((this.#reservedMhz[host] as number) + (cpu.reservation[vm] as number) > (hosts.capacityMhz[host] as number)) return false;
    if ((this.#reservedMb[host] as number) + (memory.reservation[vm] as number) + overheadMb > (hosts.capacityMb[host] as number)) return false;
    if (compatible[(vms.need[vm] as number) * this.hostCount + host] !== 1) return false;
    return this.rulesOf(vm).every((rule) => (rule.kind === "vmHost" ? !rule.mandatory || rule.allowed[host] === 1 : this.#agrees(rule, vm, host)));
  }

  /** Whether every rule that should be obeyed likes the VM on the host. */
  isPreferred(host: number, vm: number): boolean {
    return this.rulesOf(vm).every((rule) => rule.kind !== "vmHost" || rule.allowed[host] === 1);
  }

  move(vm: number, to: number): void {
    const from = this.hostOf[vm] as number;
    this.#weigh(from, vm, -1);
    this.#weigh(to, vm, 1);
    this.hostOf[vm] = to;
  }

  #agrees(rule: Extract<PassRule, { readonly kind: "together" | "apart" }>, vm: number, host: number): boolean {
    const others = rule.vms.filter((other) => other !== vm && (this.hostOf[other] as number) >= 0);
    if (rule.kind === "apart") return !others.some((other) => this.hostOf[other] === host);
    return others.length === 0 || others.some((other) => this.hostOf[other] === host);
  }

  #weigh(host: number, vm: number, sign: 1 | -1): void {
    const { memory, cpu } = this.#input.tree.vms;
    (this.#mhz[host] as number) += sign * (this.#weights.mhz[vm] as number);
    (this.#mb[host] as number) += sign * (this.#weights.mb[vm] as number);
    (this.#reservedMhz[host] as number) += sign * (cpu.reservation[vm] as number);
    (this.#reservedMb[host] as number) += sign * ((memory.reservation[vm] as number) + (memory.overheadMb[vm] as number));
  }
}

function part(amount: number, capacity: number): number {
  return capacity <= 0 ? Infinity : amount / capacity;
}
