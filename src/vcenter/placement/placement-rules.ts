import type { Rule } from "../../gen/spheresim/vcenter/v1/rule.js";
import type { DrsRule } from "../drs/rules/rule.js";
import { VmRules } from "../drs/rules/vm-rules.js";
import type { Holds } from "./holds.js";
import type { Inventory } from "../inventory/inventory.js";
import type { RuleTable } from "../clusters/rule-table.js";
import { MAX_RULES_OF_SPEC } from "../spec-limits.js";
import { VimFault } from "../vim-fault.js";

/** What rules say of a VM that is to be placed: those of its cluster, and those its placement spec brings along. */
export class PlacementRules {
  readonly #inventory: Inventory;
  readonly #rules: RuleTable;
  readonly #holds: Pick<Holds, "ofVm">;

  constructor(inventory: Inventory, rules: RuleTable, holds: Pick<Holds, "ofVm">) {
    this.#inventory = inventory;
    this.#rules = rules;
    this.#holds = holds;
  }

  /** The rules of a spec, of which the VM will be a member. Throws InvalidArgument, ManagedObjectNotFound. */
  resolve(rules: readonly Rule[], field: string, cluster: string): readonly DrsRule[] {
    if (rules.length > MAX_RULES_OF_SPEC) throw VimFault.invalidArgument(field, `has ${rules.length} rules, at most ${MAX_RULES_OF_SPEC} are taken`);
    return rules.flatMap((rule, index) => (rule.enabled === false ? [] : [this.#one(rule, `${field}[${index}]`, cluster)]));
  }

  /** What the rules mean for a VM now; `vm` is undefined for one that does not exist yet. One that goes ahead leaves those behind it is kept together with. */
  of(name: string, vm: string | undefined, cluster: string, own: readonly DrsRule[], goesAhead = false): VmRules {
    const all = vm === undefined ? [] : this.#rules.book(cluster).ofVm(vm);
    const ofCluster = goesAhead ? all.filter((rule) => rule.kind !== "together") : all;
    if (ofCluster.length === 0 && own.length === 0) return VmRules.NONE;
    return new VmRules(name, vm, [...ofCluster, ...own], (other) => this.#hostsOf(other));
  }

  /** The VMs that rules keep together with this one, and those they are kept together with, in order of moid; it is not among them. */
  keptTogetherWith(vm: string, cluster: string): readonly string[] {
    const book = this.#rules.book(cluster);
    const found = new Set([vm]);
    for (const each of found) for (const rule of book.ofVm(each)) if (rule.kind === "together") for (const other of rule.vms) found.add(other);
    found.delete(vm);
    return [...found].toSorted();
  }

  /** Where a VM that runs is, may go because a move is held for it, and is going; where one that is off may run because its power-on is held. */
  #hostsOf(moid: string): readonly string[] {
    const hosts = this.#inventory.hostsOf(moid);
    const held = this.#holds.ofVm(moid);
    return held === undefined || (hosts.length === 0 && held.powerOn !== true) ? hosts : [held.host, ...hosts];
  }

  #one(rule: Rule, field: string, cluster: string): DrsRule {
    const kind = rule.rule;
    if (kind === undefined) throw VimFault.invalidArgument(`${field}.rule`, "names no kind: set affinity, anti_affinity or vm_host");
    const { key, name, mandatory } = rule;
    if (kind.$case !== "vmHost") {
      const vms = new Set(kind.value.vms.map((vm) => this.#inventory.vm(vm.value).moid));
      return { kind: kind.$case === "affinity" ? "together" : "apart", key, name, vms };
    }
    const { hostGroup, affine } = kind.value;
    const group = this.#rules.group(cluster, hostGroup);
    if (group?.kind !== "hosts") throw VimFault.invalidArgument(`${field}.vm_host.host_group`, `no group of hosts "${hostGroup}" in the cluster`);
    return { kind: "vmHost", key, name, mandatory, affine, vms: new Set(), hosts: group.members };
  }
}
