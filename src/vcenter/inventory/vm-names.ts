import type { VmRecord } from "../store/records.js";

/** What of a VM says which names it has. */
export type Named = Pick<VmRecord, "moid" | "config" | "reconfiguringTo">;

/**
 * Which ordinary VMs have a name, or get it by a reconfiguration under way. VMs of pods are none of them: each has its name from its pod, which
 * may be there twice for a moment when it was deleted and made again.
 *
 * Worked example: while vm-101 "a" is renamed "b", both names are its own; when that failed, "b" is free again.
 */
export class VmNames {
  /** The moid of the one VM of a name; more than one only of records that were written before names were looked at. */
  readonly #holders = new Map<string, string | readonly string[]>();

  /** The VMs of a name. */
  holders(name: string): readonly string[] {
    const holders = this.#holders.get(name) ?? [];
    return typeof holders === "string" ? [holders] : holders;
  }

  /** A VM comes (`before` is undefined), changes, or goes (`after` is undefined). */
  change(before: Named | undefined, after: Named | undefined): void {
    if (before !== undefined && after !== undefined && before.config === after.config && before.reconfiguringTo === after.reconfiguringTo) return;
    const old = namesOf(before);
    const now = namesOf(after);
    for (const name of old) if (!now.includes(name)) this.#remove(name, before?.moid ?? "");
    for (const name of now) if (!old.includes(name)) this.#set(name, [...this.holders(name), after?.moid ?? ""]);
  }

  #remove(name: string, moid: string): void {
    this.#set(
      name,
      this.holders(name).filter((holder) => holder !== moid),
    );
  }

  #set(name: string, holders: readonly string[]): void {
    const [only] = holders;
    if (only === undefined) this.#holders.delete(name);
    else this.#holders.set(name, holders.length === 1 ? only : holders);
  }
}

function namesOf(vm: Named | undefined): readonly string[] {
  if (vm === undefined || vm.config.ownerUid !== "") return [];
  const { config, reconfiguringTo } = vm;
  return reconfiguringTo === undefined || reconfiguringTo.name === config.name ? [config.name] : [config.name, reconfiguringTo.name];
}
