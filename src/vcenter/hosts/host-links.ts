import { Backoff } from "../../base/backoff.js";
import type { Clock } from "../../base/clock.js";
import type { Logger } from "../../base/log.js";
import { RpcCode, RpcError } from "../../base/rpc-error.js";
import type { HostVm, VmUpdate } from "../../gen/spheresim/hostd/v1/host.js";
import { UpdateKind } from "../../gen/spheresim/vim/v1/update.js";
import type { HostDaemon, HostDaemons } from "./host-daemon.js";
import type { Inventory } from "../inventory/inventory.js";
import type { HostRecord } from "../store/records.js";
import { Turns } from "../store/turns.js";

/** What a link tells. */
export interface HostFacts {
  /** HostD answers for the host, and these are its VMs; or it no longer answers. */
  onConnected(host: HostRecord, vms: readonly HostVm[]): void;
  onLost(host: HostRecord): void;
  /** A VM on a connected host is there, or changed. */
  onVm(host: HostRecord, vm: HostVm): void;
  /** A VM left a connected host. */
  onVmGone(host: HostRecord, instanceUuid: string): void;
}

/** What links need. */
export interface HostLinksOptions {
  readonly inventory: Inventory;
  readonly daemons: HostDaemons;
  readonly facts: HostFacts;
  readonly monotonic: Clock;
  readonly log: Logger;
  readonly closing: AbortSignal;
}

const RECONNECT = { initialMs: 50, maxMs: 1_000 } as const;
/** A HostD that answers, but not for a host that should be there, is asked again at this pace. */
const ASK_AGAIN = { initialMs: 200, maxMs: 10_000 } as const;
/** So many hosts of one address are asked at a time. */
const MAX_GREETINGS = 16;

/** One connection to each HostD address, however many hosts answer there. */
export class HostLinks {
  readonly #options: HostLinksOptions;
  readonly #links = new Map<string, HostLink>();

  constructor(options: HostLinksOptions) {
    this.#options = options;
  }

  /** Makes the links fit the inventory: hosts were added, removed, moved, connected or disconnected. */
  refresh(): void {
    const addresses = new Set(this.#options.inventory.hosts.filter((host) => !host.disconnected).map((host) => host.address));
    for (const [address, link] of this.#links) {
      if (addresses.has(address)) continue;
      this.#links.delete(address);
      // A host may have moved back to the address in the meantime.
      void link.close().then(() => void (this.#links.has(address) || this.#options.daemons.forget(address)));
    }
    for (const address of addresses) {
      const link = this.#links.get(address) ?? new HostLink(address, this.#options);
      this.#links.set(address, link);
      link.greetNew();
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

/**
 * The watch on one HostD address. A host counts as connected when the watch has listed every VM *and* HostD answered for the host by
 * name; when the watch breaks, all its hosts stop responding at once and everything is listed again.
 */
class HostLink {
  readonly #address: string;
  readonly #options: HostLinksOptions;
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  readonly #daemon: HostDaemon;
  readonly #running: Promise<void>;
  readonly #turns = new Turns(MAX_GREETINGS);
  /** Host name, then instance uuid. */
  #vms = new Map<string, Map<string, HostVm>>();
  /** Names of hosts that HostD answered for on this watch, or is being asked about. */
  #greeted = new Set<string>();
  /** Aborts with the watch; undefined until everything is listed. */
  #synced: AbortController | undefined;

  constructor(address: string, options: HostLinksOptions) {
    this.#address = address;
    this.#options = options;
    this.#signal = AbortSignal.any([options.closing, this.#stop.signal]);
    this.#daemon = options.daemons.at(address);
    this.#running = this.#run();
  }

  vm(host: string, instanceUuid: string): HostVm | undefined {
    return this.#vms.get(host)?.get(instanceUuid);
  }

  /** Asks about hosts that were added since everything was listed. */
  greetNew(): void {
    if (this.#synced === undefined) return;
    const { signal } = this.#synced;
    for (const host of this.#options.inventory.hosts) {
      if (host.address !== this.#address || host.disconnected || this.#greeted.has(host.spec.name)) continue;
      this.#greeted.add(host.spec.name);
      void this.#greet(host.moid, host.spec.name, signal);
    }
    for (const name of this.#greeted) {
      const host = this.#options.inventory.hostByName(name);
      if (host === undefined || host.address !== this.#address || host.disconnected) this.#greeted.delete(name);
    }
  }

  close(): Promise<void> {
    this.#stop.abort();
    return this.#running;
  }

  async #run(): Promise<void> {
    const { monotonic, log } = this.#options;
    const backoff = new Backoff(RECONNECT);
    while (!this.#signal.aborted) {
      try {
        for await (const update of this.#daemon.watchVms(this.#signal)) {
          backoff.reset();
          this.#take(update);
        }
        log.debug({ address: this.#address }, "HostD ended its watch");
      } catch (error) {
        if (this.#signal.aborted) break;
        if (backoff.attempts === 6) log.warn({ err: error, address: this.#address }, "HostD does not answer");
      }
      this.#lost();
      await monotonic.sleep(backoff.nextMs(), this.#signal).catch(() => undefined);
    }
    this.#lost();
  }

  #take({ kind, vm }: VmUpdate): void {
    if (kind === UpdateKind.SYNCED) {
      this.#synced = new AbortController();
      this.greetNew();
      return;
    }
    const instanceUuid = vm?.config?.instanceUuid ?? "";
    if (vm === undefined || instanceUuid === "") return;
    const gone = kind === UpdateKind.LEAVE;
    const vms = this.#vms.get(vm.hostName) ?? new Map<string, HostVm>();
    if (gone) vms.delete(instanceUuid);
    else vms.set(instanceUuid, vm);
    if (vms.size > 0) this.#vms.set(vm.hostName, vms);
    else this.#vms.delete(vm.hostName);
    const host = this.#options.inventory.hostByName(vm.hostName);
    if (host === undefined || host.address !== this.#address || !host.responding) return;
    if (gone) this.#options.facts.onVmGone(host, instanceUuid);
    else this.#options.facts.onVm(host, vm);
  }

  /** Asks HostD for the host by name until it answers, then tells its VMs. */
  async #greet(moid: string, name: string, watch: AbortSignal): Promise<void> {
    const { inventory, monotonic, log, facts } = this.#options;
    const signal = AbortSignal.any([this.#signal, watch]);
    const backoff = new Backoff(ASK_AGAIN);
    for (;;) {
      try {
        await this.#turns.take(() => this.#daemon.getHost(name, signal));
        break;
      } catch (error) {
        if (signal.aborted) return;
        if (backoff.attempts === 2 && !RpcError.is(error, RpcCode.UNAVAILABLE)) log.warn({ err: error, address: this.#address, host: name }, "HostD does not answer for the host");
      }
      try {
        await monotonic.sleep(backoff.nextMs(), signal);
      } catch {
        return;
      }
      if (!this.#greeted.has(name)) return;
    }
    const host = inventory.findHost(moid);
    if (signal.aborted || host === undefined || host.address !== this.#address || host.disconnected) return;
    facts.onConnected(host, [...(this.#vms.get(name)?.values() ?? [])]);
  }

  #lost(): void {
    this.#synced?.abort();
    this.#synced = undefined;
    this.#greeted = new Set();
    this.#vms = new Map();
    for (const host of this.#options.inventory.hosts) if (host.address === this.#address && host.responding) this.#options.facts.onLost(host);
  }
}
