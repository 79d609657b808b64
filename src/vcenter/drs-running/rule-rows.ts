import type { PassRule } from "../drs/pass/pass-input.js";
import { allowsHost, type DrsRule } from "../drs/rules/rule.js";
import type { HostRecord } from "../store/records.js";
import type { Stretches } from "./stretches.js";

/** So many members of rules are as much work as one VM that is read. */
const MEMBERS_A_STEP = 20;

/** Rules with rows in place of moids. Only VMs that some rule names are looked up, so that without rules there is nothing to do. */
export class RuleRows {
  readonly #rules: readonly DrsRule[];
  /** -1 until the VM is found; one that does not run is not. */
  readonly #rows = new Map<string, number>();

  constructor(rules: readonly DrsRule[]) {
    this.#rules = rules;
  }

  /** Lists the VMs to look out for. */
  async listMembers(stretches: Stretches): Promise<void> {
    for (const { vms } of this.#rules) {
      const pause = stretches.step(1 + Math.ceil(vms.size / MEMBERS_A_STEP));
      if (pause !== undefined) await pause;
      for (const vm of vms) this.#rows.set(vm, -1);
    }
  }

  /** A VM stands in a row. */
  found(vm: string, row: number): void {
    if (this.#rows.size > 0 && this.#rows.has(vm)) this.#rows.set(vm, row);
  }

  /** The rules that some VM which was found can obey or not. */
  async rules(hosts: readonly HostRecord[], stretches: Stretches): Promise<PassRule[]> {
    const rules: PassRule[] = [];
    for (const rule of this.#rules) {
      const pause = stretches.step(1 + Math.ceil((rule.vms.size + hosts.length) / MEMBERS_A_STEP));
      if (pause !== undefined) await pause;
      const rows: number[] = [];
      for (const vm of rule.vms) {
        const row = this.#rows.get(vm) ?? -1;
        if (row >= 0) rows.push(row);
      }
      if (rows.length === 0) continue;
      const { name } = rule;
      const vms = Int32Array.from(rows);
      if (rule.kind !== "vmHost") rules.push({ kind: rule.kind, name, vms });
      else rules.push({ kind: "vmHost", name, vms, mandatory: rule.mandatory, allowed: Uint8Array.from(hosts, (host) => (allowsHost(rule, host.moid) ? 1 : 0)) });
    }
    return rules;
  }
}
