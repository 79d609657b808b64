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
import { Informer } from "../kubernetes/informer.js";
import { Informers } from "../kubernetes/informers.js";
import type { Pod } from "../kubernetes/pod.js";
import { PodSteps, type StepSink } from "../kubernetes/pod-steps.js";
import { images as imageType, nodes as nodeType, pods as podType, services as serviceType } from "../kubernetes/resource-type.js";
import { RestClient, type RestClientOptions } from "../kubernetes/rest-client.js";
import { parseAddress } from "../rpc/address.js";
import { openChannel } from "../rpc/channel.js";
import { startRpcServer } from "../rpc/server.js";
import type { TlsMaterial } from "../rpc/tls.js";
import { AgentConnections, followHosts, followVms, hostdOver } from "./client.js";
import { ApiConfigSource } from "./spec/config-source.js";
import { Gate } from "./node/gate.js";
import type { HostOptions } from "./node/host.js";
import { ImageBook } from "./images/image-book.js";
import { openKubeletApi } from "./kubelet/kubelet-api.js";
import { NodeKeeper } from "./node/node-keeper.js";
import type { ApiConnection, SphereletSurroundings } from "./node/spherelet.js";
import { SphereletFleet } from "./node/spherelet-fleet.js";
import { PodRouter } from "./pods/pod-router.js";
import { sphereletService } from "./service.js";

export type { HostOptions } from "./node/host.js";

/** What the Spherelets of a process need. */
export interface SphereletsOptions {
  /** `host:port` of the gRPC server; port 0 lets the system choose; `127.0.0.1:0` when absent. */
  readonly listen?: string;
  /**
   * The hosts that are known from the beginning. HostD tells which of them run, and which others there are; where it has no HardwareService, all of
   * these run.
   */
  readonly hosts: readonly HostOptions[];
  /** How this process reads, and, where `nodeTls` is absent or hosts are many, also writes. */
  readonly apiserver: Pick<RestClientOptions, "server" | "tls" | "token">;
  /**
   * The client certificate of a host, user `system:node:<name>`, group `system:nodes`: writes about its Node and pods are then its own,
   * each over a connection of its own. With more than 64 hosts all share the identity of `apiserver`; so do those that come when there are
   * 64. Asked for each time a Spherelet starts; one that is not there (yet) is asked for again.
   */
  readonly nodeTls?: (host: string) => TlsMaterial | Promise<TlsMaterial>;
  /** HostD of all hosts, `host:port`. */
  readonly hostdAddress: string;
  /** Mutual TLS of the gRPC server and of HostD and agents. */
  readonly tls?: TlsMaterial | undefined;
  /**
   * Port of the first host's kubelet API, the next hosts follow, those that come later after them, or at a free port where somebody has that one; 0
   * gives each a free one. Without it there is none.
   */
  readonly kubeletPortBase?: number;
  /** Of each Node's Lease, which is renewed four times in it; 40 when absent. */
  readonly leaseDurationSeconds?: number;
  /** Serving certificate of a host's kubelet API and the authority of its clients; needed with `kubeletPortBase`, and asked for as `nodeTls` is. */
  readonly kubeletTls?: (host: string) => TlsMaterial | Promise<TlsMaterial>;
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
  /** Kubelet API by host that runs and is reached, `host:port`; empty without them. */
  readonly kubelets: ReadonlyMap<string, string>;
  /** Ends them; pods, containers and VMs stay as they are. */
  close(): Promise<void>;
}

/** Writes of a host over its own connection: TLS sessions cost about 60 KB each. */
const MAX_NODE_CONNECTIONS = 64;
/** Pods being given body and containers at the same time. */
const MAX_STARTS = 256;

/** Events of all hosts being written at the same time: few, so that what pods wait for goes first, and enough to share the store's commits. */
const MAX_EVENT_WRITES = 8;

/** So long may the last events take at the end. */
const FLUSH_LIMIT_MS = 500;

/**
 * Starts the Spherelets of a process; resolves when the ports of the hosts that run listen. Which hosts there are and run, HostD tells; its other
 * peers may come later, and so may HostD.
 */
export async function startSpherelets(options: SphereletsOptions): Promise<Spherelets> {
  const { log, clock, monotonic, dice, apiserver, kubeletTls } = options;
  const { host: listenHost } = parseAddress(options.listen ?? "127.0.0.1:0");
  if (options.kubeletPortBase !== undefined && kubeletTls === undefined) throw new Error("a kubelet API needs certificates: kubeletTls is missing");

  const shared = new RestClient({ ...apiserver, userAgent: "spherelet/spheresim", clock: monotonic, dice: dice.fork("apiserver") });
  let ownConnections = 0;
  const connect = async (host: string): Promise<ApiConnection> => {
    if (options.nodeTls === undefined || options.hosts.length > MAX_NODE_CONNECTIONS || ownConnections >= MAX_NODE_CONNECTIONS) return { client: shared, close: async () => undefined };
    const { caPem, certPem, keyPem } = await options.nodeTls(host);
    const client = new RestClient({ server: apiserver.server, tls: { ca: caPem, cert: certPem, key: keyPem }, userAgent: "spherelet/spheresim", clock: monotonic, dice: dice.fork(`apiserver/${host}`) });
    ownConnections += 1;
    const close = async (): Promise<void> => {
      ownConnections -= 1;
      await client.close();
    };
    return { client, close };
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
  const agents = new AgentConnections({ tls: options.tls, clock, monotonic, dice: dice.fork("agents"), log });
  const router = new PodRouter({ pods, monotonic });
  const keeper = new NodeKeeper({ informer: nodes, leaseDurationSeconds: options.leaseDurationSeconds, clock, monotonic, log });
  const podsOf = (node: string): Pod[] => pods.store.byIndex("node", node);
  const openKubelet: SphereletSurroundings["openKubelet"] =
    options.kubeletPortBase === undefined || kubeletTls === undefined
      ? undefined
      : async (host, port, facts) => openKubeletApi({ host: listenHost, port, certificates: await kubeletTls(host), facts, monotonic, log });

  const around: SphereletSurroundings = {
    connect,
    openKubelet,
    router,
    keeper,
    nodes: nodes.store,
    podsOf,
    config: new ApiConfigSource(shared, monotonic, services.store),
    images: imageBook,
    hostd: hostdOver(hostdChannel, monotonic),
    agents,
    steps: new PodSteps(options.recorder, "spherelet", clock),
    startGate: new Gate(MAX_STARTS),
    eventGate: new Gate(MAX_EVENT_WRITES),
    clock,
    monotonic,
    dice,
    log,
  };
  const { hosts, kubeletPortBase = 0 } = options;
  const open: (() => unknown)[] = [() => shared.close(), () => agents.close(), () => hostdChannel.close()];
  const closeSockets = async (): Promise<void> => void (await Promise.all(open.map((close) => close())));
  let closed: Promise<void> | undefined;
  try {
    const fleet = new SphereletFleet({ hosts, address: listenHost, kubeletPortBase, bootId: secretUuid(), api: shared, around });
    const server = await startRpcServer({
      listen: options.listen ?? "127.0.0.1:0",
      room: "spherelet",
      log,
      services: [sphereletService(fleet, () => router.size)],
      tls: options.tls,
    });
    imageBook.start();
    router.start();
    keeper.start();
    const following = [
      followHosts(hostdChannel, fleet, { clock: monotonic, dice: dice.fork("hosts"), log }),
      followVms(hostdChannel, (news) => router.hear(news), { clock: monotonic, dice: dice.fork("vms"), log }),
    ];
    const close = async (): Promise<void> => {
      imageBook.close();
      router.close();
      const spherelets = fleet.close();
      const ended = [...following.map((stream) => stream.close()), server.close(), keeper.close(), informers.close(), pods.close()];
      // The last events get a moment; calls to peers that are gone would hold the end up, so the connections go before the workers.
      const enough = new AbortController();
      await Promise.race([spherelets.flushed, monotonic.sleep(FLUSH_LIMIT_MS, enough.signal).catch(() => undefined)]);
      enough.abort();
      await Promise.all([closeSockets(), spherelets.disconnect()]);
      await Promise.all([...ended, spherelets.ended]);
    };
    try {
      await fleet.start();
    } catch (error) {
      await (closed = close());
      throw error;
    }
    for (const informer of [nodes, images, services, pods]) informer.start();
    return {
      address: server.address,
      get kubelets() {
        return fleet.kubelets;
      },
      close: () => (closed ??= close()),
    };
  } catch (error) {
    if (closed === undefined) await closeSockets();
    throw error;
  }
}
