import { moref } from "../../inventory/moref.js";
import { VimFault } from "../../vim-fault.js";
import { allowsHost, type DrsRule, type VmHostRule } from "./rule.js";

/** A host as rules look at it. */
export interface RuledHost {
  readonly moid: string;
  readonly name: string;
}

/** A host where a rule between VMs forbids the VM: the rule's name. */
type Forbidden = ReadonlyMap<string, string>;

/** Hosts outside of which a rule between VMs forbids the VM. */
interface OnlyOn {
  readonly rule: string;
  readonly hosts: ReadonlySet<string>;
}

/**
 * What the rules of a cluster mean for one VM at this moment: where it must not run, and where it should.
 *
 * A rule that keeps VMs together ties the VM to the hosts where others of them run or are going (several, while the rule is not obeyed);
 * one that keeps them apart forbids these hosts, and those they leave as well. VMs that are off do not count.
 */
export class VmRules {
  static readonly NONE = new VmRules("", undefined, [], () => []);
  readonly #name: string;
  readonly #taken: Forbidden;
  readonly #onlyOn: readonly OnlyOn[];
  readonly #musts: readonly VmHostRule[];
  readonly #shoulds: readonly VmHostRule[];

  /** `vm` is undefined for a VM that does not exist yet; `hostsOf` gives the host another VM runs on and, last, the one it is going to. */
  constructor(name: string, vm: string | undefined, rules: readonly DrsRule[], hostsOf: (vm: string) => readonly string[]) {
    this.#name = name;
    const taken = new Map<string, string>();
    const onlyOn: OnlyOn[] = [];
    const musts: VmHostRule[] = [];
    const shoulds: VmHostRule[] = [];
    for (const rule of rules) {
      if (rule.kind === "vmHost") {
        (rule.mandatory ? musts : shoulds).push(rule);
        continue;
      }
      const others = [...rule.vms].filter((other) => other !== vm);
      if (rule.kind === "apart") {
        for (const host of others.flatMap((other) => [...hostsOf(other)])) if (!taken.has(host)) taken.set(host, rule.name);
        continue;
      }
      const hosts = new Set(others.flatMap((other) => hostsOf(other).slice(-1)));
      if (hosts.size > 0) onlyOn.push({ rule: rule.name, hosts });
    }
    this.#taken = taken;
    this.#onlyOn = onlyOn;
    this.#musts = musts;
    this.#shoulds = shoulds;
  }

  /** Whether no rule is about the VM at all. */
  get isEmpty(): boolean {
    return this.#taken.size === 0 && this.#onlyOn.length === 0 && this.#musts.length === 0 && this.#shoulds.length === 0;
  }

  /** Whether some hosts are better than others by a should rule. */
  get hasPreference(): boolean {
    return this.#shoulds.length > 0;
  }

  /** Whether no must rules the host out. */
  allows(host: string): boolean {
    return !this.#taken.has(host) && this.#onlyOn.every((only) => only.hosts.has(host)) && this.#musts.every((rule) => allowsHost(rule, host));
  }

  /** The fault by which a must rules the host out; undefined when none does. */
  verdict(host: RuledHost): VimFault | undefined {
    const must = this.#musts.find((rule) => !allowsHost(rule, host.moid));
    if (must !== undefined) {
      return new VimFault(`Virtual machine "${this.#name}" on host ${host.name} would violate the VM-Host rule "${must.name}".`, {
        $case: "vmHostAffinityRuleViolation",
        value: { vmName: this.#name, hostName: host.name, rule: must.name },
      });
    }
    const broken = this.#taken.get(host.moid) ?? this.#onlyOn.find((only) => !only.hosts.has(host.moid))?.rule;
    if (broken === undefined) return undefined;
    const how = this.#taken.has(host.moid) ? "keeps it apart from a virtual machine that is there or may come" : "keeps it together with virtual machines elsewhere";
    return new VimFault(`Host ${host.name} would violate the rule "${broken}", which ${how}.`, { $case: "ruleViolation", value: { host: moref("HostSystem", host.moid), rule: broken } });
  }

  /** Whether the VM should run on the host as far as should rules go. */
  isPreferred(host: string): boolean {
    return this.#shoulds.every((rule) => allowsHost(rule, host));
  }
}
