import type { HostVm } from "../../gen/spheresim/hostd/v1/host.js";
import type { HostRecord } from "../store/records.js";
import type { HostLinksOptions } from "./host-facts.js";
import { HostLink } from "./host-link.js";

/** One connection to each HostD address, however many hosts answer there. */
export class HostLinks {
  readonly #options: HostLinksOptions;
  readonly #links = new Map<string, HostLink>();

  constructor(options: HostLinksOptions) {
    this.#options = options;
  }

  /** Makes the links fit the inventory: hosts were added, removed, moved, connected or disconnected. */
  refresh(): void {
    const hostsAt = new Map<string, HostRecord[]>();
    for (const host of this.#options.inventory.hosts) {
      if (host.disconnected) continue;
      const known = hostsAt.get(host.address);
      if (known === undefined) hostsAt.set(host.address, [host]);
      else known.push(host);
    }
    for (const [address, link] of this.#links) {
      if (hostsAt.has(address)) continue;
      this.#links.delete(address);
      // A host may have moved back to the address in the meantime.
      void link.close().then(() => void (this.#links.has(address) || this.#options.daemons.forget(address)));
    }
    for (const [address, hosts] of hostsAt) {
      const link = this.#links.get(address) ?? new HostLink(address, this.#options);
      this.#links.set(address, link);
      link.greetNew(hosts);
    }
  }

  /** The VM of a host, as its HostD last said. */
  vmOn(host: HostRecord, instanceUuid: string): HostVm | undefined {
    return this.#links.get(host.address)?.vm(host.spec.name, instanceUuid);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#links.values()].map((link) => link.close()));
  }
}
