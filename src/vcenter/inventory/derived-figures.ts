import { statusOf } from "../clusters/cluster-health.js";
import type { Inventory } from "./inventory.js";

/**
 * Tells those who watch the inventory of pools and clusters whose figures moved although nothing was done to them: what a pool can still
 * reserve depends on what its neighbours took of the pools above, and on the hosts that come and go; so does the status of a cluster.
 *
 * Example: gold and silver are expandable below a root of 16,384 MB. A VM in gold takes 1,000 MB: silver can reserve 15,384 MB now.
 *
 * Somebody may read an object between two looks, while its figures are others for a moment; it is told again then, though they are back
 * where they were at the look before.
 */
export class DerivedFigures {
  readonly #inventory: Inventory;
  /** By moid, as they were at the last look. */
  #told: ReadonlyMap<string, string>;
  /** Objects that somebody read with other figures since. */
  readonly #misread = new Set<string>();

  constructor(inventory: Inventory) {
    this.#inventory = inventory;
    this.#told = this.#figures();
  }

  /** Somebody reads the object now. */
  read(moid: string): void {
    const told = this.#told.get(moid);
    if (told !== undefined && this.#exists(moid) && told !== this.#figuresOf(moid)) this.#misread.add(moid);
  }

  /** Looks at every pool and cluster again; to be called some time after each change of the inventory. */
  look(): void {
    const now = this.#figures();
    const moved = [...now].filter(([moid, figures]) => this.#told.get(moid) !== figures || this.#misread.has(moid));
    this.#told = now;
    this.#misread.clear();
    for (const [moid] of moved) this.#inventory.feed.changed(moid);
  }

  #figures(): ReadonlyMap<string, string> {
    const { pools, clusters } = this.#inventory;
    const moids = [...pools.map((pool) => pool.moid), ...clusters.map((cluster) => cluster.ref?.value ?? "")];
    return new Map(moids.map((moid) => [moid, this.#figuresOf(moid)]));
  }

  #exists(moid: string): boolean {
    return this.#inventory.findPool(moid) !== undefined || this.#inventory.clusters.some((cluster) => cluster.ref?.value === moid);
  }

  #figuresOf(moid: string): string {
    const { ledger } = this.#inventory;
    if (this.#inventory.findPool(moid) === undefined) return statusOf(this.#inventory, this.#inventory.cluster(moid));
    const used = ledger.pools.used(moid);
    const unreserved = ledger.pools.unreserved(moid);
    return `${used.cpuMhz}/${used.memoryMb}/${unreserved.cpuMhz}/${unreserved.memoryMb}`;
  }
}
