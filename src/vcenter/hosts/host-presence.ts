/**
 * Which hosts of one address answer, and of which of them the watch of VMs has told everything.
 *
 * Example: VMs are listed up to revision 7. A host enters with revision 5: its VMs are known. Another one enters with 9, since it came back and
 * its VMs are told anew: they are known when the watch of VMs has reached 9.
 */
export class HostPresence {
  /** Revision of VMs by host; undefined where HostD does not tell which hosts answer. */
  #entered: Map<string, bigint> | undefined = new Map();
  /** Hosts whose VMs are not told yet. */
  readonly #awaited = new Set<string>();
  /** Up to which revision VMs were told; undefined before all are listed. */
  #position: bigint | undefined;

  /** Whether HostD tells which hosts answer. */
  get tells(): boolean {
    return this.#entered !== undefined;
  }

  /** HostD does not tell which hosts answer. */
  beUnknown(): void {
    this.#entered = undefined;
  }

  enter(name: string, revision: bigint): void {
    this.#entered?.set(name, revision);
    if (!this.isKnown(name)) this.#awaited.add(name);
  }

  leave(name: string): void {
    this.#entered?.delete(name);
    this.#awaited.delete(name);
  }

  /** All VMs are listed. */
  synced(revision: bigint): void {
    this.#position = revision;
    this.#awaited.clear();
    for (const name of this.#entered?.keys() ?? []) if (!this.isKnown(name)) this.#awaited.add(name);
  }

  /** VMs were told up to `revision`: the hosts that were waited for and need be no longer. */
  reached(revision: bigint): readonly string[] {
    if (this.#position === undefined) return [];
    if (revision > this.#position) this.#position = revision;
    if (this.#awaited.size === 0) return [];
    const known = [...this.#awaited].filter((name) => this.isKnown(name));
    for (const name of known) this.#awaited.delete(name);
    return known;
  }

  /** Whether all VMs are listed and, where HostD tells, the host answers and everything on it was told. */
  isKnown(name: string): boolean {
    if (this.#position === undefined) return false;
    if (this.#entered === undefined) return true;
    const revision = this.#entered.get(name);
    return revision !== undefined && revision <= this.#position;
  }
}
