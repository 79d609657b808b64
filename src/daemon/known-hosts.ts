import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Inventory } from "../gen/spheresim/vcenter/v1/inventory.js";

/**
 * The hosts that former starts gave vCenter, in a file of the data directory: what vCenter had once and has no longer, a person removed.
 *
 * Worked example: the first start adds a and b; a person removes b; the second start, with a, b and c in its inventory, adds c alone.
 */
export class KnownHosts {
  readonly #file: string;

  constructor(dataDir: string) {
    this.#file = join(dataDir, "known-hosts.json");
  }

  /** Names of hosts that were removed from this inventory. A vCenter without a cluster is a new one, from which nobody has removed anything. */
  removed({ clusters, hosts }: Pick<Inventory, "clusters" | "hosts">): ReadonlySet<string> {
    if (clusters.length === 0) return new Set();
    const present = new Set(hosts.map(({ spec }) => spec?.name));
    return new Set(this.#read().filter((name) => !present.has(name)));
  }

  /** Notes that vCenter was given these hosts, beside those noted before. */
  remember(names: readonly string[]): void {
    const known = this.#read();
    const all = [...new Set([...known, ...names])];
    if (all.length === known.length) return;
    const draft = `${this.#file}.tmp`;
    writeFileSync(draft, JSON.stringify(all));
    renameSync(draft, this.#file);
  }

  #read(): readonly string[] {
    try {
      return JSON.parse(readFileSync(this.#file, "utf8")) as string[];
    } catch {
      return []; // no start before this one
    }
  }
}
