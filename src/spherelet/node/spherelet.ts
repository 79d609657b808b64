import type { Clock } from "../../base/clock.js";
import type { Logger } from "../../base/log.js";
import type { Dice } from "../../base/seeded-random.js";
import { EventRecorder } from "../../kubernetes/event-recorder.js";
import type { Node } from "../../kubernetes/node.js";
import type { ObjectStore } from "../../kubernetes/object-store.js";
import type { Pod } from "../../kubernetes/pod.js";
import type { PodSteps } from "../../kubernetes/pod-steps.js";
import { nodes as nodeType, pods as podType } from "../../kubernetes/resource-type.js";
import type { ImageBook } from "../images/image-book.js";
import type { KubeletApi } from "../kubelet/kubelet-api.js";
import type { KubeletFacts } from "../kubelet/kubelet-handlers.js";
import { AddressRange } from "../pods/pod-address.js";
import type { PodRouter } from "../pods/pod-router.js";
import { PodWorkers } from "../pods/pod-workers.js";
import type { ConfigSource } from "../spec/config-source.js";
import { StatsCollector } from "../stats/stats-collector.js";
import { NodeEvents } from "../status/node-events.js";
import { PodEvents } from "../status/pod-events.js";
import type { Agents, HostD } from "../vsphere.js";
import type { Gate } from "./gate.js";
import type { HostContext } from "./host-context.js";
import type { Host } from "./host.js";
import { NetworkCable, type NodeApi } from "./network-cable.js";
import { NodeRoom } from "./node-room.js";
import type { NodeKeeper } from "./node-keeper.js";

/** The API server in the name of one host's Node. */
export interface ApiConnection {
  readonly client: NodeApi;
  /** Closes what is this host's alone. */
  close(): Promise<void>;
}

/** What the Spherelets of a process share. */
export interface SphereletSurroundings {
  readonly connect: (host: string) => Promise<ApiConnection>;
  /** Opens a kubelet API at a port, 0 for a free one; undefined where there is none. */
  readonly openKubelet: ((host: string, port: number, facts: KubeletFacts) => Promise<KubeletApi>) | undefined;
  readonly router: PodRouter;
  readonly keeper: NodeKeeper;
  readonly nodes: ObjectStore<Node>;
  readonly podsOf: (node: string) => readonly Pod[];
  readonly config: ConfigSource;
  readonly images: Pick<ImageBook, "get" | "onChange">;
  readonly hostd: HostD;
  readonly agents: Agents;
  readonly steps: PodSteps;
  readonly startGate: Gate;
  /** Events of all hosts that are being written. */
  readonly eventGate: Gate;
  /** Emulated. */
  readonly clock: Clock;
  readonly monotonic: Clock;
  readonly dice: Dice;
  readonly log: Logger;
}

/** How one life of a Spherelet begins. */
export interface SphereletOptions {
  readonly host: Host;
  /** Changes with every boot of the host. */
  readonly bootId: string;
  /** Whether the network cable is plugged in. */
  readonly connected: boolean;
  /** Port of the kubelet API; 0 takes a free one. */
  readonly kubeletPort: number;
  /** Whether another port will do where somebody has this one. */
  readonly anyPort: boolean;
  readonly around: SphereletSurroundings;
}

/** What is left to do when a Spherelet has ended. */
export interface SphereletEnd {
  /** The last events are written, or could not be. */
  readonly flushed: Promise<void>;
  /** Nothing of it is under way any more. */
  readonly ended: Promise<void>;
}

/**
 * One life of the Spherelet of one host, from its start until it is stopped or its host loses power. It knows nothing that API server, HostD and
 * agents do not know, so the next life goes on where it stood.
 */
export class Spherelet {
  readonly host: Host;
  readonly bootId: string;
  readonly context: HostContext;
  readonly workers: PodWorkers;
  readonly #around: SphereletSurroundings;
  readonly #connection: ApiConnection;
  readonly #cable: NetworkCable;
  readonly #events: EventRecorder;
  readonly #nodeEvents: NodeEvents;
  readonly #stats: StatsCollector;
  #kubeletPort: number;
  #anyPort: boolean;
  #kubelet: KubeletApi | undefined;
  /** Whether it has heard of its pods. */
  #hasHeard = false;
  #stopped = false;

  private constructor({ host, bootId, connected, kubeletPort, anyPort, around }: SphereletOptions, connection: ApiConnection) {
    const { hostd, agents, images, steps, startGate, clock, monotonic, dice, log } = around;
    const { name } = host;
    this.host = host;
    this.bootId = bootId;
    this.#around = around;
    this.#connection = connection;
    this.#cable = new NetworkCable(connected);
    this.#kubeletPort = kubeletPort;
    this.#anyPort = anyPort;
    const api = this.#cable.api(connection.client);
    this.#events = new EventRecorder({ client: api, component: "kubelet", host: name, clock, monotonic, dice: dice.fork(`events/${name}`), log, gate: around.eventGate, burst: around.steps.burst });
    this.#nodeEvents = new NodeEvents(this.#events);
    const addresses = new AddressRange(host.podCidr);
    const room = new NodeRoom();
    this.context = {
      host,
      api,
      hostd,
      agents,
      images,
      steps,
      startGate,
      clock,
      monotonic,
      node: { known: () => around.nodes.get(name), read: () => api.get(nodeType, { name }), pods: async () => (await api.list(podType, { fieldSelector: `spec.nodeName=${name}` })).items },
      room,
      config: this.#cable.config(around.config),
      events: new PodEvents(this.#events),
      addresses,
      vacate: (podUid) => {
        addresses.release(podUid);
        room.leave(podUid);
      },
      dice: dice.fork(name),
      log: log.child({ host: name }),
    };
    this.workers = new PodWorkers(this.context);
    this.#stats = new StatsCollector({ host, pods: () => around.podsOf(name), agentOf: (uid) => this.workers.agentOf(uid), agents, clock, log: this.context.log });
  }

  /** Begins a life: looks after the pods there are, and says by its Lease that it lives. */
  static async start(options: SphereletOptions): Promise<Spherelet> {
    const { host, around } = options;
    const connection = await around.connect(host.name);
    try {
      const spherelet = new Spherelet(options, connection);
      around.router.add(host.name, spherelet.workers);
      if (options.connected) await spherelet.#hear();
      return spherelet;
    } catch (error) {
      around.router.remove(host.name);
      await connection.close();
      throw error;
    }
  }

  /** Whether anybody outside reaches it. */
  get connected(): boolean {
    return this.#cable.pluggedIn;
  }

  /** Port of its kubelet API; undefined without one, and while its cable is out. */
  get kubeletPort(): number | undefined {
    return this.#kubelet?.port;
  }

  /** Its host's cable is plugged in or pulled; containers and probes do not notice. */
  async setConnected(connected: boolean): Promise<void> {
    if (!connected) return this.#fallSilent();
    if (this.#cable.pluggedIn) return;
    this.#cable.plugIn();
    try {
      await this.#hear();
    } catch (error) {
      this.#cable.pull();
      throw error;
    }
  }

  /** Ends this life at once; containers and VMs stay as they are. */
  stop(): SphereletEnd {
    const { router, keeper } = this.#around;
    const { name } = this.host;
    this.#stopped = true;
    keeper.remove(name);
    router.remove(name);
    const kubelet = this.#kubelet?.close();
    this.#kubelet = undefined;
    const workers = this.workers.close();
    const flushed = this.#events.close();
    return { flushed, ended: Promise.all([kubelet, workers, flushed]).then(() => undefined) };
  }

  /** Closes the connection to the API server; calls under way end. */
  disconnect(): Promise<void> {
    return this.#connection.close();
  }

  async #hear(): Promise<void> {
    const { router, keeper } = this.#around;
    const { name } = this.host;
    const kubelet = await this.#openKubelet();
    if (this.#stopped) return kubelet?.close();
    this.#kubelet = kubelet;
    keeper.add({ host: this.host, api: this.context.api, kubeletPort: kubelet?.port, bootId: this.bootId, events: this.#nodeEvents });
    router.connect(name, !this.#hasHeard);
    this.#hasHeard = true;
  }

  /** Opens the kubelet API where it was before, or where somebody has that port by now, at a free one. */
  async #openKubelet(): Promise<KubeletApi | undefined> {
    const { openKubelet, podsOf } = this.#around;
    const { name } = this.host;
    const facts = { pods: () => podsOf(name), use: () => this.#stats.use() };
    const open = (port: number): Promise<KubeletApi> | undefined => openKubelet?.(name, port, facts);
    let kubelet: KubeletApi | undefined;
    try {
      kubelet = await open(this.#kubeletPort);
    } catch (error) {
      if (!this.#anyPort || (error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
      this.context.log.warn({ port: this.#kubeletPort }, "somebody has the port of the kubelet API, taking another one");
      kubelet = await open(0);
    }
    this.#kubeletPort = kubelet?.port ?? 0;
    this.#anyPort = true;
    return kubelet;
  }

  async #fallSilent(): Promise<void> {
    const { router, keeper } = this.#around;
    this.#cable.pull();
    keeper.remove(this.host.name);
    router.disconnect(this.host.name);
    const kubelet = this.#kubelet;
    this.#kubelet = undefined;
    await kubelet?.close();
  }
}
