import type { VimFault } from "../vim-fault.js";

/** So many reasons, and so many names of each, are told in one sentence; others are counted. */
const MAX_REASONS = 3;
const MAX_NAMES = 5;
/** Longer reasons, which say much of many hosts, are cut. */
const MAX_REASON = 300;

/** Why VMs stay on a host that shall become empty: the last fault that kept each. */
export class KeptVms {
  readonly #faults = new Map<string, VimFault>();

  /** Notes what keeps a VM; whether that is news. */
  keep(vm: string, fault: VimFault): boolean {
    const isNew = this.#faults.get(vm)?.message !== fault.message;
    this.#faults.set(vm, fault);
    return isNew;
  }

  /** Nothing keeps the VM any more, as far as is known. */
  free(vm: string): void {
    this.#faults.delete(vm);
  }

  /** Forgets all but these. */
  retain(vms: ReadonlySet<string>): void {
    for (const vm of this.#faults.keys()) if (!vms.has(vm)) this.#faults.delete(vm);
  }

  why(vm: string): VimFault | undefined {
    return this.#faults.get(vm);
  }
}

/**
 * One sentence of who stays and why, VMs of one reason together; empty where nobody does.
 *
 * Worked example: db and cache "no room", web "a rule" is `db, cache stay: no room; web stays: a rule`.
 */
export function stayingText(staying: Iterable<readonly [name: string, why: string]>): string {
  const byReason = new Map<string, string[]>();
  for (const [name, why] of staying) {
    const names = byReason.get(why);
    if (names === undefined) byReason.set(why, [name]);
    else names.push(name);
  }
  const told = [...byReason].slice(0, MAX_REASONS).map(([why, names]) => `${some(names)} ${names.length === 1 ? "stays" : "stay"}: ${why.length > MAX_REASON ? `${why.slice(0, MAX_REASON)} ...` : why}`);
  const untold = [...byReason.values()].slice(MAX_REASONS).reduce((sum, { length }) => sum + length, 0);
  return [...told, ...(untold === 0 ? [] : [`and ${untold} more stay for other reasons`])].join("; ");
}

function some(names: readonly string[]): string {
  return names.slice(0, MAX_NAMES).join(", ") + (names.length > MAX_NAMES ? ` and ${names.length - MAX_NAMES} more` : "");
}
