import { Backoff } from "../../base/backoff.js";
import { RpcCode, RpcError } from "../../base/rpc-error.js";
import type { HostUpdate, HostVm, VmUpdate } from "../../gen/spheresim/hostd/v1/host.js";
import { UpdateKind } from "../../gen/spheresim/vim/v1/update.js";
import type { HostRecord } from "../store/records.js";
import { Turns } from "../store/turns.js";
import type { HostDaemon } from "./host-daemon.js";
import type { HostLinksOptions } from "./host-facts.js";
import { HostPresence } from "./host-presence.js";

const RECONNECT = { initialMs: 50, maxMs: 1_000 } as const;
/** A HostD that answers, but not for a host that should be there, is asked again at this pace. */
const ASK_AGAIN = { initialMs: 200, maxMs: 10_000 } as const;
/** So many hosts of one address are asked at a time. */
const MAX_GREETINGS = 16;

/**
 * The watches on one HostD address: of VMs and of hosts. A host counts as connected from the moment its HostD answers and the watch has told
 * every VM it has, until it is told not to answer; the others at the address are not touched. When a watch breaks, all hosts of the address stop
 * responding at once and everything is listed again.
 */
export class HostLink {
  readonly #address: string;
  readonly #options: HostLinksOptions;
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  readonly #daemon: HostDaemon;
  readonly #running: Promise<void>;
  readonly #turns = new Turns(MAX_GREETINGS);
  /** Host name, then instance uuid. */
  #vms = new Map<string, Map<string, HostVm>>();
  /** Names of hosts that were found to answer on this watch, or are being asked. */
  #greeted = new Set<string>();
  #presence = new HostPresence();
  /** Aborts with the watch. */
  #watch = new AbortController();

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

  /** Greets hosts that were added, and those that answer by now; `hosts` are those of the address, and may be others besides. */
  greetNew(hosts: readonly HostRecord[] = this.#options.inventory.hosts): void {
    for (const host of hosts) if (this.#isMine(host)) this.#greet(host);
    for (const name of this.#greeted) {
      const host = this.#options.inventory.hostByName(name);
      if (host === undefined || !this.#isMine(host)) this.#greeted.delete(name);
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
        await this.#follow(() => backoff.reset());
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

  /** Both watches, as long as both stand. */
  async #follow(onNews: () => void): Promise<void> {
    this.#watch = new AbortController();
    const signal = AbortSignal.any([this.#signal, this.#watch.signal]);
    const watches = [this.#followVms(signal, onNews), this.#followHosts(signal, onNews)];
    try {
      await Promise.race(watches);
    } finally {
      this.#watch.abort();
      await Promise.allSettled(watches);
    }
  }

  async #followVms(signal: AbortSignal, onNews: () => void): Promise<void> {
    for await (const update of this.#daemon.watchVms(signal)) {
      if (signal.aborted) return;
      onNews();
      this.#takeVm(update);
    }
  }

  async #followHosts(signal: AbortSignal, onNews: () => void): Promise<void> {
    try {
      for await (const update of this.#daemon.watchHosts(signal)) {
        if (signal.aborted) return;
        onNews();
        this.#takeHost(update);
      }
    } catch (error) {
      if (!RpcError.is(error, RpcCode.UNIMPLEMENTED)) throw error;
      // A HostD that cannot tell: each host is asked by name.
      this.#presence.beUnknown();
      this.greetNew();
      await new Promise<void>((resolve) => {
        if (signal.aborted) resolve();
        else signal.addEventListener("abort", () => resolve(), { once: true });
      });
    }
  }

  #takeHost({ kind, host, revision }: HostUpdate): void {
    if (host === undefined) return;
    if (kind === UpdateKind.LEAVE) {
      this.#presence.leave(host.name);
      this.#greeted.delete(host.name);
      const record = this.#options.inventory.hostByName(host.name);
      if (record?.address === this.#address && record.responding) this.#options.facts.onLost(record);
      return;
    }
    this.#presence.enter(host.name, revision);
    this.#greetByName(host.name);
  }

  #takeVm({ kind, vm, revision }: VmUpdate): void {
    if (kind === UpdateKind.SYNCED) {
      this.#presence.synced(revision);
      this.greetNew();
      return;
    }
    this.#takeVmState(kind, vm);
    for (const name of this.#presence.reached(revision)) this.#greetByName(name);
  }

  #takeVmState(kind: UpdateKind, vm: HostVm | undefined): void {
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

  #greetByName(name: string): void {
    const host = this.#options.inventory.hostByName(name);
    if (host !== undefined && this.#isMine(host)) this.#greet(host);
  }

  #greet(host: HostRecord): void {
    const { name } = host.spec;
    if (this.#greeted.has(name) || !this.#presence.isKnown(name)) return;
    this.#greeted.add(name);
    if (this.#presence.tells) this.#options.facts.onConnected(host, this.#vmsOf(name));
    else void this.#ask(host.moid, name, this.#watch.signal);
  }

  /** Asks HostD for the host by name until it answers, then tells its VMs. */
  async #ask(moid: string, name: string, watch: AbortSignal): Promise<void> {
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
    if (!signal.aborted && host !== undefined && this.#isMine(host)) facts.onConnected(host, this.#vmsOf(name));
  }

  #isMine(host: HostRecord): boolean {
    return host.address === this.#address && !host.disconnected;
  }

  #vmsOf(name: string): readonly HostVm[] {
    return [...(this.#vms.get(name)?.values() ?? [])];
  }

  #lost(): void {
    this.#presence = new HostPresence();
    this.#greeted = new Set();
    this.#vms = new Map();
    for (const host of this.#options.inventory.hosts) if (host.address === this.#address && host.responding) this.#options.facts.onLost(host);
  }
}
