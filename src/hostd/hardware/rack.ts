import { HostHardware, HostServiceKey } from "../../gen/spheresim/hostd/v1/hardware.js";
import { UpdateKind } from "../../gen/spheresim/vim/v1/update.js";
import type { EsxiSurroundings } from "../esxi-host.js";
import { duplicateHost, invalidArgument, invalidState, notFound } from "../host-fault.js";
import type { HostSpec } from "../host-spec.js";
import { type Numbered, Ring } from "../ring.js";
import { deleteHost, putHardware } from "../vm-disk.js";
import { isSameHardware } from "./hardware-spec.js";
import { newHardware, PhysicalHost } from "./physical-host.js";

/** A change of the hardware of a host. */
export interface HardwareChange extends Numbered {
  readonly kind: typeof UpdateKind.ENTER | typeof UpdateKind.MODIFY | typeof UpdateKind.LEAVE;
  readonly host: HostHardware;
}

const CHANGES_KEPT = 8192;
/** Added hosts of one process; the pod addresses of their Nodes are counted for no more. */
const MAX_ADDED = 2000;

/** The ESXi hosts of this process as things that can be put in, taken out, switched off and cut off. What was done is on disk before it shows. */
export class Rack {
  readonly changes: Ring<HardwareChange>;
  readonly #hosts: Map<string, PhysicalHost>;
  readonly #around: EsxiSurroundings;
  /** The last thing being done to a host, by name. */
  readonly #turns = new Map<string, Promise<unknown>>();
  readonly #listeners = new Set<() => void>();

  private constructor(around: EsxiSurroundings, hosts: readonly PhysicalHost[]) {
    this.#around = around;
    this.#hosts = new Map(hosts.map((host) => [host.spec.name, host]));
    this.changes = new Ring(around.changes.bootId, CHANGES_KEPT);
  }

  /** The hosts of the inventory and those that were added, each as it was left; those with power boot. */
  static async open(inventory: readonly HostSpec[], around: EsxiSurroundings): Promise<Rack> {
    const stored = new Map((await around.disk.loadHardware()).map((state) => [state.name, state]));
    const states = inventory.map((spec) => {
      const { poweredOn, networkConnected, stoppedServices } = stored.get(spec.name) ?? newHardware(spec, false);
      stored.delete(spec.name);
      return { ...newHardware(spec, false), poweredOn, networkConnected, stoppedServices };
    });
    const added = [...stored.values()].filter((state) => state.added);
    const hosts = [...states, ...added].map((state) => new PhysicalHost(state, around));
    for (const host of hosts) await host.bootUp();
    return new Rack(around, hosts);
  }

  /** By name. */
  get hosts(): ReadonlyMap<string, PhysicalHost> {
    return this.#hosts;
  }

  /** In order of their names. */
  list(): HostHardware[] {
    return [...this.#hosts.values()].map((host) => host.state).toSorted((one, other) => (one.name < other.name ? -1 : 1));
  }

  /** Calls `hear` after each change of any host; the returned function ends it. */
  onChange(hear: () => void): () => void {
    this.#listeners.add(hear);
    return () => void this.#listeners.delete(hear);
  }

  add(spec: HostSpec): Promise<HostHardware> {
    return this.#inTurn(spec.name, async () => {
      const known = this.#hosts.get(spec.name);
      if (known !== undefined) {
        if (!isSameHardware(known.state, spec)) throw duplicateHost(spec.name);
        return known.state;
      }
      if ([...this.#hosts.values()].filter(({ state }) => state.added).length >= MAX_ADDED) throw invalidState(`The rack is full: ${MAX_ADDED} hosts were added.`);
      const state = newHardware(spec, true);
      await this.#around.disk.committer.commit([putHardware(state)]);
      const host = new PhysicalHost(state, this.#around);
      await host.bootUp();
      this.#hosts.set(spec.name, host);
      this.#tell(UpdateKind.ENTER, host.state);
      return host.state;
    });
  }

  remove(name: string): Promise<void> {
    return this.#inTurn(name, async () => {
      const host = this.#require(name);
      if (!host.state.added) throw invalidState(`The host ${name} is of the inventory.`);
      if (host.state.poweredOn) throw invalidState(`The host ${name} has power.`);
      const { disk } = this.#around;
      await disk.committer.idle();
      const { vms } = await disk.load(name);
      await disk.committer.commit(deleteHost(name, vms));
      this.#hosts.delete(name);
      host.scrap();
      this.#tell(UpdateKind.LEAVE, HostHardware.create({ name }));
    });
  }

  /** With power all services run, whatever was stopped before. */
  setPower(name: string, poweredOn: boolean): Promise<HostHardware> {
    return this.#change(name, (state) => (state.poweredOn === poweredOn ? state : { ...state, poweredOn, stoppedServices: [] }));
  }

  setNetwork(name: string, networkConnected: boolean): Promise<HostHardware> {
    return this.#change(name, (state) => (state.networkConnected === networkConnected ? state : { ...state, networkConnected }));
  }

  setService(name: string, service: HostServiceKey, running: boolean): Promise<HostHardware> {
    if (service !== HostServiceKey.HOSTD && service !== HostServiceKey.SPHERELET) throw invalidArgument("service", "names no service of a host");
    return this.#change(name, (state) => {
      if (!state.poweredOn) throw invalidState(`The host ${name} has no power.`);
      const { stoppedServices } = state;
      if (stoppedServices.includes(service) !== running) return state;
      return { ...state, stoppedServices: running ? stoppedServices.filter((each) => each !== service) : [...stoppedServices, service].toSorted((one, other) => one - other) };
    });
  }

  /** The process ends. */
  shutDown(): void {
    for (const host of this.#hosts.values()) host.shutDown();
  }

  #change(name: string, change: (state: HostHardware) => HostHardware): Promise<HostHardware> {
    return this.#inTurn(name, async () => {
      const host = this.#require(name);
      const next = change(host.state);
      if (next === host.state) return next;
      await host.become(next);
      this.#tell(UpdateKind.MODIFY, host.state);
      return host.state;
    });
  }

  #require(name: string): PhysicalHost {
    const host = this.#hosts.get(name);
    if (host === undefined) throw notFound("HostSystem", name);
    return host;
  }

  #tell(kind: HardwareChange["kind"], host: HostHardware): void {
    this.changes.push((revision) => ({ revision, kind, host }));
    for (const hear of this.#listeners) hear();
  }

  /** One thing at a time to each host. */
  async #inTurn<T>(name: string, work: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(name) ?? Promise.resolve();
    const mine = before.then(work, work);
    this.#turns.set(name, mine);
    try {
      return await mine;
    } finally {
      if (this.#turns.get(name) === mine) this.#turns.delete(name);
    }
  }
}
