/**
 * The Spherelet, VMware's kubelet in the VMkernel: it makes an ESXi host a Kubernetes Node and looks after the pods that run there as VMs.
 * On a real Supervisor one runs on each host; here all hosts of a process share one list and watch, one connection to HostD and one to the
 * agents of each machine process, and the server `spheresim.spherelet.v1` tells them apart by `:authority`.
 * It is asked in step 11, does step 12 (personality, through HostD), has step 13 done by the agent inside, and does step 14 (status); on the
 * way back D2 (containers stop) and D3 (final status, deletion).
 */
import type { Clock } from "../base/clock.js";
import { secretUuid } from "../base/ids.js";
import type { LatencyProfile } from "../base/latency-profile.js";
import type { Logger } from "../base/log.js";
import type { Dice } from "../base/seeded-random.js";
import { EventRecorder } from "../kubernetes/event-recorder.js";
import { Informer } from "../kubernetes/informer.js";
import { Informers } from "../kubernetes/informers.js";
import { PodSteps, type StepSink } from "../kubernetes/pod-steps.js";
import { images as imageType, nodes as nodeType, pods as podType, services as serviceType } from "../kubernetes/resource-type.js";
import { RestClient, type RestClientOptions } from "../kubernetes/rest-client.js";
import { parseAddress } from "../rpc/address.js";
import { openChannel } from "../rpc/channel.js";
import { startRpcServer } from "../rpc/server.js";
import type { TlsMaterial } from "../rpc/tls.js";
import { AgentConnections, followVms, hostdOver } from "./client.js";
import { ApiConfigSource } from "./spec/config-source.js";
import { Gate } from "./node/gate.js";
import type { HostContext } from "./node/host-context.js";
import { type HostOptions, readHosts } from "./node/host.js";
import { ImageBook } from "./images/image-book.js";
import { type KubeletApi, openKubeletApi } from "./node/kubelet-api.js";
import { NodeKeeper } from "./node/node-keeper.js";
import { AddressRange } from "./pods/pod-address.js";
import { PodEvents } from "./status/pod-events.js";
import { PodWorkers } from "./pods/pod-workers.js";
import { sphereletService } from "./service.js";

export type { HostOptions } from "./node/host.js";

/** What the Spherelets of a process need. */
export interface SphereletsOptions {
  /** `host:port` of the gRPC server; port 0 lets the system choose; `127.0.0.1:0` when absent. */
  readonly listen?: string;
  /** The hosts, one Spherelet each. */
  readonly hosts: readonly HostOptions[];
  /** How this process reads, and, where `nodeTls` is absent or hosts are many, also writes. */
  readonly apiserver: Pick<RestClientOptions, "server" | "tls" | "token">;
  /**
   * The client certificate of a host, user `system:node:<name>`, group `system:nodes`: writes about its Node and pods are then its own,
   * each over a connection of its own. With more than 64 hosts all share the identity of `apiserver`.
   */
  readonly nodeTls?: (host: string) => TlsMaterial;
  /** HostD of all hosts, `host:port`. */
  readonly hostdAddress: string;
  /** Mutual TLS of the gRPC server and of HostD and agents. */
  readonly tls?: TlsMaterial | undefined;
  /** Port of the first host's kubelet API, the next hosts follow; 0 gives each a free one. Without it there is none. */
  readonly kubeletPortBase?: number;
  /** Serving certificate of a host's kubelet API and the authority of its clients; needed with `kubeletPortBase`. */
  readonly kubeletTls?: (host: string) => TlsMaterial;
  readonly log: Logger;
  /** Emulated: timestamps. */
  readonly clock: Clock;
  /** Deadlines, retries, heartbeats. */
  readonly monotonic: Clock;
  readonly dice: Dice;
  /** A Spherelet takes no time of its own: what of step 12 and 13 does is HostD's and the agent's. */
  readonly profile?: LatencyProfile;
  readonly recorder?: StepSink | undefined;
}

/** The running Spherelets. */
export interface Spherelets {
  /** `host:port` of the gRPC server. */
  readonly address: string;
  /** Kubelet API by host, `host:port`; empty without them. */
  readonly kubelets: ReadonlyMap<string, string>;
  /** Ends them; pods, containers and VMs stay as they are. */
  close(): Promise<void>;
}

/** Writes of a host over its own connection: TLS sessions cost about 60 KB each. */
const MAX_NODE_CONNECTIONS = 64;
/** Pods being given body and containers at the same time. */
const MAX_STARTS = 256;

/** So long may the last events take at the end. */
const FLUSH_LIMIT_MS = 500;

/** Starts the Spherelets of a process; resolves when their ports listen. Their peers may come later. */
export async function startSpherelets(options: SphereletsOptions): Promise<Spherelets> {
  const { log, clock, monotonic, dice, apiserver } = options;
  const { host: listenHost } = parseAddress(options.listen ?? "127.0.0.1:0");
  const hosts = readHosts(options.hosts, listenHost);

  const shared = new RestClient({ ...apiserver, userAgent: "spherelet/spheresim", clock: monotonic, dice: dice.fork("apiserver") });
  const ownClients = new Map<string, RestClient>();
  const clientOf = (host: string): RestClient => {
    if (options.nodeTls === undefined || hosts.size > MAX_NODE_CONNECTIONS) return shared;
    let client = ownClients.get(host);
    if (client === undefined) {
      const { caPem, certPem, keyPem } = options.nodeTls(host);
      client = new RestClient({ server: apiserver.server, tls: { ca: caPem, cert: certPem, key: keyPem }, userAgent: "spherelet/spheresim", clock: monotonic, dice: dice.fork(`apiserver/${host}`) });
      ownClients.set(host, client);
    }
    return client;
  };

  const informers = new Informers({ client: shared, clock: monotonic, dice: dice.fork("informers"), log });
  const nodes = informers.of(nodeType);
  const images = informers.of(imageType);
  const services = informers.of(serviceType);
  // Pods nobody has bound yet are none of a node's business.
  const pods = new Informer({ client: shared, type: podType, fieldSelector: "spec.nodeName!=", clock: monotonic, dice: dice.fork("pods"), log });
  pods.store.addIndex("node", (pod) => [pod.spec.nodeName ?? ""]);
  const imageBook = new ImageBook(images);

  const hostdChannel = openChannel({ address: options.hostdAddress, tls: options.tls });
  const hostd = hostdOver(hostdChannel, monotonic);
  const agents = new AgentConnections({ tls: options.tls, clock, monotonic, dice: dice.fork("agents"), log });
  const config = new ApiConfigSource(shared, monotonic, services.store);
  const recorders: EventRecorder[] = [];
  const startGate = new Gate(MAX_STARTS);
  const steps = new PodSteps(options.recorder, "spherelet", clock);
  const contexts = new Map<string, HostContext>();
  for (const host of hosts.values()) {
    const events = new EventRecorder({ client: clientOf(host.name), component: "kubelet", host: host.name, clock, dice: dice.fork(`events/${host.name}`), log });
    recorders.push(events);
    contexts.set(host.name, {
      host,
      api: clientOf(host.name),
      node: { known: () => nodes.store.get(host.name), read: () => clientOf(host.name).get(nodeType, { name: host.name }) },
      hostd,
      agents,
      config,
      images: imageBook,
      events: new PodEvents(events),
      addresses: new AddressRange(host.podCidr),
      steps,
      startGate,
      clock,
      monotonic,
      dice: dice.fork(host.name),
      log: log.child({ host: host.name }),
    });
  }
  const workers = new PodWorkers({ contexts, pods, clock, monotonic, log });

  const kubelets = new Map<string, KubeletApi>();
  const closeSockets = async (): Promise<void> => {
    await Promise.all([...kubelets.values()].map((kubelet) => kubelet.close()));
    hostdChannel.close();
    agents.close();
    await Promise.all([shared, ...ownClients.values()].map((client) => client.close()));
  };
  try {
    const { kubeletPortBase, kubeletTls } = options;
    if (kubeletPortBase !== undefined) {
      if (kubeletTls === undefined) throw new Error("a kubelet API needs certificates: kubeletTls is missing");
      let port = kubeletPortBase;
      for (const { name } of hosts.values()) {
        kubelets.set(name, await openKubeletApi({ host: listenHost, port, certificates: kubeletTls(name), pods: () => pods.store.byIndex("node", name) }));
        if (port !== 0) port += 1;
      }
    }
    const server = await startRpcServer({
      listen: options.listen ?? "127.0.0.1:0",
      room: "spherelet",
      log,
      services: [sphereletService({ workers, api: shared }, contexts)],
      tls: options.tls,
    });

    const keeper = new NodeKeeper({
      nodes: new Map([...hosts].map(([name, host]) => [name, { host, api: clientOf(name), kubeletPort: kubelets.get(name)?.port }])),
      informer: nodes,
      bootId: secretUuid(),
      clock,
      monotonic,
      log,
    });
    imageBook.start();
    workers.start();
    keeper.start();
    for (const informer of [nodes, images, services, pods]) informer.start();
    const vms = followVms(hostdChannel, (news) => workers.hear(news), { clock: monotonic, dice: dice.fork("vms"), log });

    let closed: Promise<void> | undefined;
    const close = async (): Promise<void> => {
      imageBook.close();
      const ended = [vms.close(), server.close(), keeper.close(), workers.close(), informers.close(), pods.close()];
      // The last events get a moment; calls to peers that are gone would hold the end up, so the connections go before the workers.
      const enough = new AbortController();
      const flushed = Promise.all(recorders.map((recorder) => recorder.close()));
      await Promise.race([flushed, monotonic.sleep(FLUSH_LIMIT_MS, enough.signal).catch(() => undefined)]);
      enough.abort();
      await closeSockets();
      await Promise.all([...ended, flushed]);
    };
    return {
      address: server.address,
      kubelets: new Map([...kubelets].map(([name, { port }]) => [name, `${listenHost}:${port}`])),
      close: () => (closed ??= close()),
    };
  } catch (error) {
    await closeSockets();
    throw error;
  }
}
