/** What a host can reach. Hosts that reach the same share one of these. */
export interface HostOffer {
  readonly datastores: ReadonlySet<string>;
  readonly networks: ReadonlySet<string>;
}

interface Shared extends HostOffer {
  readonly key: string;
  hosts: number;
}

/** Nothing. */
export const NO_OFFER: HostOffer = { datastores: new Set(), networks: new Set() };

/** The sets of datastores and networks of all hosts, each kept once: most hosts of a cluster reach the same. */
export class HostOffers {
  readonly #shared = new Map<string, Shared>();

  get size(): number {
    return this.#shared.size;
  }

  /** The offer of one more host. */
  take(datastores: readonly string[], networks: readonly string[]): HostOffer {
    const key = JSON.stringify([datastores.toSorted(), networks.toSorted()]);
    const known = this.#shared.get(key);
    if (known !== undefined) {
      known.hosts += 1;
      return known;
    }
    const made: Shared = { key, datastores: new Set(datastores), networks: new Set(networks), hosts: 1 };
    this.#shared.set(key, made);
    return made;
  }

  /** One host fewer has it. */
  giveBack(offer: HostOffer): void {
    const shared = offer as Partial<Shared>;
    if (shared.key === undefined || shared.hosts === undefined) return;
    shared.hosts -= 1;
    if (shared.hosts === 0) this.#shared.delete(shared.key);
  }
}
