import { deferred } from "../../base/deferred.js";
import type { ApiClient } from "../../kubernetes/api-client.js";
import { leases, nodes as nodeType } from "../../kubernetes/resource-type.js";
import { isNotFound } from "../../kubernetes/status.js";
import { WorkQueue } from "../../kubernetes/work-queue.js";
import { SphereletFault } from "../errors.js";
import type { HostListener, HostState } from "../vsphere.js";
import { type Host, type HostOptions, hostOf, readHosts } from "./host.js";
import { requireRange } from "../pods/pod-address.js";
import { LEASE_NAMESPACE } from "./node-keeper.js";
import { Spherelet, type SphereletEnd, type SphereletSurroundings } from "./spherelet.js";

export interface SphereletFleetOptions {
  /** Hosts that are known from the beginning. */
  readonly hosts: readonly HostOptions[];
  /** Where all of them listen. */
  readonly address: string;
  /** Port of the kubelet API of the first host, the next ones follow by their numbers; 0 gives each a free one. */
  readonly kubeletPortBase: number;
  /** Of the process, where HostD tells no host's. */
  readonly bootId: string;
  /** Takes Nodes away in nobody's name. */
  readonly api: Pick<ApiClient, "delete">;
  readonly around: SphereletSurroundings;
}

/** A host, what is wanted of its Spherelet, and its Spherelet while it runs. */
interface Slot {
  readonly host: Host;
  /** Gives it a port and addresses: hosts known from the beginning have the first numbers. */
  readonly number: number;
  /** Of its kubelet API; the one it had, once it had one. */
  port: number;
  /** Whether it may listen elsewhere: nobody was promised this port. */
  anyPort: boolean;
  /** It is in no rack any more. */
  gone: boolean;
  state: Pick<HostState, "runs" | "connected" | "bootId">;
  /** Grows when a life is to end, so that an end between two looks is not missed. */
  wantedLife: number;
  life: number;
  spherelet: Spherelet | undefined;
}

/** Hosts worked on at the same time. */
const WORKERS = 8;
/** So long is HostD waited for at the start; what it tells later is followed all the same. */
const FIRST_WORD_LIMIT_MS = 5_000;
/** So long may the last events of a Spherelet take. */
const FLUSH_LIMIT_MS = 500;

/**
 * The Spherelets of all hosts of a process: follows the hosts as HostD tells of them, and has the Spherelet of each run, hear and end as its host
 * does. Where HostD cannot tell, the hosts known from the beginning run all the time.
 */
export class SphereletFleet implements HostListener {
  readonly #options: SphereletFleetOptions;
  /** By node name. */
  readonly #slots = new Map<string, Slot>();
  readonly #names = new Map<string, string>();
  readonly #known: ReadonlyMap<string, Host>;
  readonly #queue: WorkQueue;
  readonly #departures: WorkQueue;
  readonly #firstWord = deferred<void>();
  #closed = false;

  constructor(options: SphereletFleetOptions) {
    this.#options = options;
    this.#known = readHosts(options.hosts, options.address);
    for (const host of this.#known.values()) {
      requireRange(host.podCidr);
      this.#open(host, true);
    }
    const { monotonic: clock, log } = options.around;
    this.#queue = new WorkQueue({ clock, log, name: "spherelets", workers: WORKERS, work: (name) => this.#fit(name) });
    this.#departures = new WorkQueue({ clock, log, name: "nodes of hosts that are gone", work: (name) => this.#removeNode(name) });
  }

  /** Names of the hosts, whether their Spherelet runs or not. */
  get names(): ReadonlyMap<string, string> {
    return this.#names;
  }

  /** Kubelet API by host, `host:port`. */
  get kubelets(): ReadonlyMap<string, string> {
    const open = [...this.#slots].flatMap(([name, { spherelet }]) => (spherelet?.kubeletPort === undefined ? [] : [[name, `${this.#options.address}:${spherelet.kubeletPort}`] as const]));
    return new Map(open);
  }

  /** The Spherelet of a host, for a caller outside. Throws HostNotReachable. */
  reach(name: string): Spherelet {
    const { spherelet } = this.#slots.get(name) ?? {};
    if (spherelet === undefined) throw SphereletFault.hostNotReachable(name, "its Spherelet does not run");
    if (!spherelet.connected) throw SphereletFault.hostNotReachable(name, "its network cable is unplugged");
    return spherelet;
  }

  /** Waits until HostD has told of the hosts, or did not answer, and starts the Spherelets of those that run. Throws where one cannot listen. */
  async start(): Promise<void> {
    const enough = new AbortController();
    await Promise.race([this.#firstWord.promise, this.#options.around.monotonic.sleep(FIRST_WORD_LIMIT_MS, enough.signal).catch(() => undefined)]);
    enough.abort();
    for (const name of this.#known.keys()) await this.#fit(name);
    this.#queue.start();
    this.#departures.start();
  }

  changed(host: HostState): void {
    const { name, runs, connected, bootId } = host;
    const slot = this.#slots.get(name) ?? this.#open(this.#known.get(name) ?? host, this.#known.has(name));
    slot.gone = false;
    if (!runs || slot.state.bootId !== bootId) slot.wantedLife += 1;
    slot.state = { runs, connected, bootId };
    this.#queue.add(name);
  }

  removed(name: string): void {
    this.#end(name);
    this.#departures.add(name);
  }

  listed(names: ReadonlySet<string>): void {
    for (const name of this.#slots.keys()) if (!names.has(name)) this.#end(name);
    this.#firstWord.resolve();
  }

  unknown(): void {
    for (const { host } of this.#slots.values()) this.changed({ ...host, runs: true, connected: true, bootId: this.#options.bootId });
    this.#firstWord.resolve();
  }

  silent(): void {
    this.#firstWord.resolve();
  }

  /** Ends all of them; pods, containers and VMs stay as they are. */
  close(): SphereletEnd & { disconnect(): Promise<void> } {
    this.#closed = true;
    this.#firstWord.resolve();
    const queues = [this.#queue.close(), this.#departures.close()];
    const spherelets = [...this.#slots.values()].flatMap(({ spherelet }) => (spherelet === undefined ? [] : [spherelet]));
    const ends = spherelets.map((spherelet) => spherelet.stop());
    return {
      flushed: Promise.all(ends.map((end) => end.flushed)).then(() => undefined),
      ended: Promise.all([...queues, ...ends.map((end) => end.ended)]).then(() => undefined),
      disconnect: async () => void (await Promise.all(spherelets.map((spherelet) => spherelet.disconnect()))),
    };
  }

  /** Makes room for a host. */
  #open(options: HostOptions, known: boolean): Slot {
    const number = known ? [...this.#known.keys()].indexOf(options.name) : this.#freeNumber();
    const { kubeletPortBase, address } = this.#options;
    const host = hostOf(options, number, address);
    const state = { runs: false, connected: false, bootId: "" };
    const slot: Slot = { host, number, port: kubeletPortBase === 0 ? 0 : kubeletPortBase + number, anyPort: !known, gone: false, state, wantedLife: 0, life: 0, spherelet: undefined };
    this.#slots.set(host.name, slot);
    this.#names.set(host.name, host.name);
    return slot;
  }

  /** The least number beyond those of the hosts known from the beginning that no host has. */
  #freeNumber(): number {
    const taken = new Set([...this.#slots.values()].map(({ number }) => number));
    let number = this.#known.size;
    while (taken.has(number)) number += 1;
    return number;
  }

  #end(name: string): void {
    const slot = this.#slots.get(name);
    if (slot === undefined) return;
    slot.state = { ...slot.state, runs: false };
    slot.gone = true;
    slot.wantedLife += 1;
    this.#queue.add(name);
  }

  /** Has the Spherelet of a host be as it should. One host never twice at the same time. */
  async #fit(name: string): Promise<void> {
    const slot = this.#slots.get(name);
    if (slot === undefined || this.#closed) return;
    if (slot.spherelet !== undefined && slot.life !== slot.wantedLife) await this.#stop(slot);
    const { runs, connected, bootId } = slot.state;
    if (slot.gone) {
      this.#slots.delete(name);
      this.#names.delete(name);
    }
    if (!runs || this.#closed) return;
    if (slot.spherelet !== undefined) {
      await slot.spherelet.setConnected(connected);
      return;
    }
    const life = slot.wantedLife;
    const spherelet = await Spherelet.start({ host: slot.host, bootId, connected, kubeletPort: slot.port, anyPort: slot.anyPort, around: this.#options.around });
    slot.life = life;
    slot.spherelet = spherelet;
    slot.port = spherelet.kubeletPort ?? slot.port;
    slot.anyPort = true;
    if (this.#closed) await this.#stop(slot);
  }

  async #stop(slot: Slot): Promise<void> {
    const { spherelet } = slot;
    slot.spherelet = undefined;
    if (spherelet === undefined) return;
    const { flushed, ended } = spherelet.stop();
    const enough = new AbortController();
    await Promise.race([flushed, this.#options.around.monotonic.sleep(FLUSH_LIMIT_MS, enough.signal).catch(() => undefined)]);
    enough.abort();
    await spherelet.disconnect();
    await ended;
  }

  /** A host that left the rack is no Node any more; who owned its pods finds them without one. */
  async #removeNode(name: string): Promise<void> {
    if (this.#slots.get(name)?.gone === false) return;
    const { api } = this.#options;
    for (const remove of [() => api.delete(nodeType, { name }), () => api.delete(leases, { namespace: LEASE_NAMESPACE, name })]) {
      try {
        await remove();
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    }
  }
}
