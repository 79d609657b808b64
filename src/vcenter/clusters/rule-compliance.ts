import { allowsHost, type DrsRule } from "../drs/rules/rule.js";
import { type EventLog, vmFacts } from "../events/event-log.js";
import type { EventType } from "../events/event-type.js";
import type { Inventory } from "../inventory/inventory.js";
import type { RuleTable } from "./rule-table.js";

/**
 * Tells by events which VMs begin to violate a DRS rule, and which no longer do. A rule that was removed, disabled or changed so that a VM
 * is no longer in it is silent about it: nothing moved.
 */
export class RuleCompliance {
  readonly #inventory: Inventory;
  readonly #rules: RuleTable;
  readonly #events: EventLog;
  /** By cluster and key of the rule: the VMs that were told to violate it. */
  readonly #violators = new Map<string, ReadonlySet<string>>();

  constructor(inventory: Inventory, rules: RuleTable, events: EventLog) {
    this.#inventory = inventory;
    this.#rules = rules;
    this.#events = events;
    // What was violated before this vCenter began was told by the one before it.
    for (const { ref } of inventory.clusters) for (const rule of rules.book(ref?.value ?? "").inForce) this.#note(keyOf(ref?.value ?? "", rule), violators(rule, (vm) => inventory.runsOn(vm)));
  }

  /** Looks again at the rules of these VMs, and at every rule of these clusters. */
  look(keys: ReadonlySet<string>): void {
    for (const { ref } of this.#inventory.clusters) {
      const cluster = ref?.value ?? "";
      const book = this.#rules.book(cluster);
      const all = keys.has(cluster);
      const touched = book.inForce.filter((rule) => all || anyOf(keys, rule.vms));
      for (const rule of touched) this.#judge(cluster, rule);
      if (all) this.#forgetAllBut(cluster, new Set(book.inForce.map((rule) => rule.key)));
    }
  }

  #judge(cluster: string, rule: DrsRule): void {
    const key = keyOf(cluster, rule);
    const before = this.#violators.get(key) ?? new Set();
    const now = violators(rule, (vm) => this.#inventory.runsOn(vm));
    this.#note(key, now);
    const soft = rule.kind === "vmHost" && !rule.mandatory;
    for (const vm of now) if (!before.has(vm)) this.#post(soft ? "DrsSoftRuleViolationEvent" : "DrsRuleViolationEvent", vm, rule);
    for (const vm of before) if (!now.has(vm) && rule.vms.has(vm)) this.#post("DrsRuleComplianceEvent", vm, rule);
  }

  #note(key: string, now: ReadonlySet<string>): void {
    if (now.size === 0) this.#violators.delete(key);
    else this.#violators.set(key, now);
  }

  #post(type: EventType, moid: string, rule: DrsRule): void {
    const vm = this.#inventory.findVm(moid);
    if (vm !== undefined) this.#events.post(type, { vm: vmFacts(vm), words: { rule: rule.name } });
  }

  #forgetAllBut(cluster: string, keys: ReadonlySet<number>): void {
    for (const key of this.#violators.keys()) {
      const [of = "", rule = ""] = key.split("/");
      if (of === cluster && !keys.has(Number(rule))) this.#violators.delete(key);
    }
  }
}

function keyOf(cluster: string, { key }: DrsRule): string {
  return `${cluster}/${key}`;
}

/** The VMs that are where the rule does not want them; `hostOf` is undefined for one that is off. */
export function violators(rule: DrsRule, hostOf: (vm: string) => string | undefined): ReadonlySet<string> {
  const running = [...rule.vms].flatMap((vm) => {
    const host = hostOf(vm);
    return host === undefined ? [] : [{ vm, host }];
  });
  if (rule.kind === "vmHost") return new Set(running.filter(({ host }) => !allowsHost(rule, host)).map(({ vm }) => vm));
  const onHost = new Map<string, number>();
  for (const { host } of running) onHost.set(host, (onHost.get(host) ?? 0) + 1);
  if (rule.kind === "together") return new Set(onHost.size <= 1 ? [] : running.map(({ vm }) => vm));
  return new Set(running.filter(({ host }) => (onHost.get(host) ?? 0) > 1).map(({ vm }) => vm));
}

/** Whether one of few is among many, without walking the larger set. */
function anyOf(left: ReadonlySet<string>, right: ReadonlySet<string>): boolean {
  const [few, many] = left.size < right.size ? [left, right] : [right, left];
  for (const key of few) if (many.has(key)) return true;
  return false;
}
