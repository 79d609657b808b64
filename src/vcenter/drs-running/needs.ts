import type { HostSpec } from "../../gen/spheresim/vcenter/v1/inventory.js";
import type { VirtualDevice } from "../../gen/spheresim/vim/v1/virtual_machine.js";

/** The datastores and networks a VM needs or a host has. */
interface Names {
  readonly datastores: ReadonlySet<string>;
  readonly networks: ReadonlySet<string>;
}

const NONE: Names = { datastores: new Set(), networks: new Set() };
/** Pairs of needs and offers that are compared at most: 16 MB. A VM with a need beyond them is taken to fit nowhere, and stays. */
const MAX_PAIRS = 1 << 24;
/** The need of a VM that nothing more is known of: row 0 is nothing at all. */
const SPARES = 2;

/**
 * What VMs need and hosts offer, each kind numbered once: of a hundred thousand VMs and thousands of hosts hardly any two kinds differ.
 *
 * Example: hosts with {vsan} and {vsan, nfs} are offers 0 and 1; a VM on nfs has need 2, which is met by offer 1 alone: its two bytes of
 * `compatible` are 0, 1. Need 0 is none and met everywhere, need 1 is met nowhere.
 */
export class Needs {
  readonly #needs = new Map<string, { readonly row: number; readonly names: Names }>();
  readonly #offers = new Map<string, { readonly row: number; readonly names: Names }>();

  /** Number of what a host offers. All hosts are asked for before the first VM. */
  offerOf({ datastores, networks }: Pick<HostSpec, "datastores" | "networks">): number {
    return numberOf(this.#offers, datastores, networks, 0);
  }

  /** Number of what a VM needs. */
  needOf(devices: readonly VirtualDevice[]): number {
    if (devices.length === 0) return 0;
    const datastores: string[] = [];
    const networks: string[] = [];
    for (const { backing } of devices) {
      if (backing?.$case === "disk" && backing.value.datastore !== "") datastores.push(backing.value.datastore);
      if (backing?.$case === "ethernetCard" && backing.value.network !== "") networks.push(backing.value.network);
    }
    if (datastores.length === 0 && networks.length === 0) return 0;
    if ((this.#needs.size + SPARES + 1) * this.offers > MAX_PAIRS) return 1;
    return numberOf(this.#needs, datastores, networks, SPARES);
  }

  get offers(): number {
    return this.#offers.size;
  }

  /** By need and offer: 1 where it is met. */
  compatible(): Uint8Array {
    const met = new Uint8Array((this.#needs.size + SPARES) * this.offers).fill(1, 0, this.offers);
    for (const { row, names } of this.#needs.values()) {
      for (const offer of this.#offers.values()) met[row * this.offers + offer.row] = isMet(names, offer.names) ? 1 : 0;
    }
    return met;
  }
}

function numberOf(known: Map<string, { readonly row: number; readonly names: Names }>, datastores: readonly string[], networks: readonly string[], first: number): number {
  const key = datastores.length <= 1 && networks.length <= 1 ? `${datastores[0] ?? ""}\0\0${networks[0] ?? ""}` : `${sorted(datastores)}\0\0${sorted(networks)}`;
  const before = known.get(key);
  if (before !== undefined) return before.row;
  const row = first + known.size;
  known.set(key, { row, names: datastores.length + networks.length === 0 ? NONE : { datastores: new Set(datastores), networks: new Set(networks) } });
  return row;
}

function sorted(names: readonly string[]): string {
  return [...new Set(names)].sort().join("\0");
}

function isMet(need: Names, offer: Names): boolean {
  return [...need.datastores].every((name) => offer.datastores.has(name)) && [...need.networks].every((name) => offer.networks.has(name));
}
