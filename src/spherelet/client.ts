import { Backoff } from "../base/backoff.js";
import type { Clock, Timer } from "../base/clock.js";
import { secretHex } from "../base/ids.js";
import type { Logger } from "../base/log.js";
import { RpcCode, RpcError } from "../base/rpc-error.js";
import type { Dice } from "../base/seeded-random.js";
import { StopPodRequest } from "../gen/spheresim/crx/v1/agent.js";
import { AgentServiceClient, type AgentServiceService } from "../gen/spheresim/crx/v1/agent_service.js";
import { type HardwareUpdate, type HostHardware, HostServiceKey } from "../gen/spheresim/hostd/v1/hardware.js";
import { HardwareServiceClient, type HardwareServiceService } from "../gen/spheresim/hostd/v1/hardware_service.js";
import { HostServiceClient } from "../gen/spheresim/hostd/v1/host_service.js";
import { VmPhase } from "../gen/spheresim/hostd/v1/host.js";
import { ManagedEntityStatus } from "../gen/spheresim/vim/v1/managed_entity.js";
import { UpdateKind } from "../gen/spheresim/vim/v1/update.js";
import { VirtualMachinePowerState } from "../gen/spheresim/vim/v1/virtual_machine.js";
import { type FollowedStream, followStream } from "../rpc/followed-stream.js";
import { type Channel, openChannel, type PromiseClient } from "../rpc/channel.js";
import type { TlsMaterial } from "../rpc/tls.js";
import { ask } from "./provider-call.js";
import { type Agents, type ContainerListener, type HostD, type HostListener, type HostState, ProviderFault, type VmNews } from "./vsphere.js";

/** Boot of an agent and start of containers take emulated time; a peer that died is noticed sooner by keep-alive. */
const WORK_LIMIT_MS = 120_000;
const READ_LIMIT_MS = 10_000;
/** Who scrapes gives up after 10 s. */
const STATS_LIMIT_MS = 3_000;
/** Beyond the grace of a stop, which both go by the emulated clock. */
const STOP_LIMIT_MS = 60_000;
/** Calls are limited by this process' own clocks. */
const NO_DEADLINE = 0;
const NEVER = new AbortController().signal;
const RETRY_INITIAL_MS = 50;
const RETRY_MAX_MS = 2_000;
/** So long may nothing be heard of a process of agents before its pods are told. */
const LOST_AFTER_MS = 10_000;
/** So long a connection to agents is kept that no pod needs. */
const IDLE_MS = 30_000;

/** HostD of all hosts behind one address; each call names its host by `:authority`. */
export function hostdOver(channel: Channel, monotonic: Clock): HostD {
  const client = channel.client(HostServiceClient);
  // Another process of the same seed must not find answers to this one's requests.
  const process = secretHex(8);
  let requests = 0;
  return {
    configurePersonality: (host, vmUuid, personality, signal) => {
      requests += 1;
      const request = { requestId: `spherelet-${process}-${requests}`, vm: { key: { $case: "uuid" as const, value: vmUuid } }, personality };
      return ask("HostD", { clock: monotonic, limitMs: WORK_LIMIT_MS }, signal, (enough) => client.configurePersonality(request, { authority: host, deadlineMs: NO_DEADLINE, signal: enough }));
    },
    getVm: async (host, vmUuid, signal) => {
      try {
        return await ask("HostD", { clock: monotonic, limitMs: READ_LIMIT_MS }, signal, (enough) => client.getVm({ vm: { key: { $case: "uuid", value: vmUuid } } }, { authority: host, deadlineMs: NO_DEADLINE, signal: enough }));
      } catch (error) {
        if (error instanceof ProviderFault && error.fault === "ManagedObjectNotFound") return undefined;
        throw error;
      }
    },
  };
}

/** What of a VM becomes news. That init waits is one with its heartbeat: its word is the first beat. */
const WATCHED_FIELDS = ["power_state", "power_on_count", "last_fault", "guest_heartbeat_status"] as const;

/** Follows the VMs of all hosts over one stream; every state is told at least once, the present ones after each loss of the stream's place. */
export function followVms(channel: Channel, tell: (news: VmNews) => void, around: { readonly clock: Clock; readonly dice: Dice; readonly log: Logger }): FollowedStream {
  const client = channel.client(HostServiceClient);
  return followStream({
    name: "virtual machines",
    open: (resumeToken, signal) => client.watchVms({ resumeToken, hostName: "", pathSet: [...WATCHED_FIELDS] }, { signal }),
    onChange: ({ kind, vm }) => {
      if (vm === undefined) return;
      tell({
        host: vm.hostName,
        vmUuid: vm.config?.uuid ?? "",
        powerOnCount: vm.powerOnCount,
        waits: vm.phase === VmPhase.INIT_WAITING,
        off: kind === UpdateKind.LEAVE || vm.powerState !== VirtualMachinePowerState.POWERED_ON,
        gone: kind === UpdateKind.LEAVE,
        fault: vm.lastFault?.localizedMessage ?? "",
        hangs: vm.guestHeartbeatStatus === ManagedEntityStatus.RED,
      });
    },
    // What was missed shows in the states that follow; a VM that is gone for good shows in its agent's stream.
    onRestart: () => undefined,
    ...around,
  });
}

/** Follows the hosts of the process. A HostD without HardwareService says so once, and is not asked again. */
export function followHosts(channel: Channel, listener: HostListener, around: { readonly clock: Clock; readonly dice: Dice; readonly log: Logger }): FollowedStream {
  const client = channel.client(HardwareServiceClient);
  let listed: Set<string> | undefined;
  return followStream<HardwareUpdate>({
    name: "hosts",
    open: (resumeToken, signal) => watchHardware(client, resumeToken, signal, listener),
    onChange: ({ kind, host }) => {
      if (kind === UpdateKind.SYNCED) {
        if (listed !== undefined) listener.listed(listed);
        listed = undefined;
      } else if (host !== undefined && kind === UpdateKind.LEAVE) {
        listener.removed(host.name);
      } else if (host !== undefined) {
        listed?.add(host.name);
        listener.changed(hostState(host));
      }
    },
    onRestart: () => void (listed = new Set()),
    ...around,
  });
}

async function* watchHardware(client: PromiseClient<typeof HardwareServiceService>, resumeToken: string, signal: AbortSignal, listener: HostListener): AsyncGenerator<HardwareUpdate> {
  try {
    yield* client.watchHardware({ resumeToken }, { signal });
  } catch (error) {
    if (!RpcError.is(error, RpcCode.UNIMPLEMENTED)) {
      listener.silent();
      throw error;
    }
    listener.unknown();
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener("abort", () => resolve(), { once: true });
    });
  }
}

function hostState({ name, numCpuCores, memoryMb, labels, poweredOn, networkConnected, stoppedServices, bootId }: HostHardware): HostState {
  const runs = poweredOn && !stoppedServices.includes(HostServiceKey.SPHERELET);
  return { name: name.toLowerCase(), cores: numCpuCores, memoryMb, labels, runs, connected: networkConnected, bootId };
}

/** What connections to agents need. */
export interface AgentConnectionsOptions {
  readonly tls: TlsMaterial | undefined;
  /** Emulated: what a stop may take. */
  readonly clock: Clock;
  readonly monotonic: Clock;
  readonly dice: Dice;
  readonly log: Logger;
}

/** The agents of all CRX instances: one connection and one stream of changes for each process they run in. */
export class AgentConnections implements Agents {
  readonly #options: AgentConnectionsOptions;
  readonly #connections = new Map<string, AgentConnection>();

  constructor(options: AgentConnectionsOptions) {
    this.#options = options;
  }

  startPod: Agents["startPod"] = (address, vmUuid, request, signal) =>
    ask("the Spherelet agent", { clock: this.#options.monotonic, limitMs: WORK_LIMIT_MS }, signal, (enough) => this.#at(address).client.startPod(request, { authority: authorityOf(vmUuid), deadlineMs: NO_DEADLINE, signal: enough }));

  stopPod: Agents["stopPod"] = (address, vmUuid, podUid, graceSeconds, signal) => {
    const request = StopPodRequest.create({ podUid, gracePeriod: { seconds: BigInt(graceSeconds), nanos: 0 } });
    const patience = { clock: this.#options.clock, limitMs: graceSeconds * 1000 + STOP_LIMIT_MS };
    return ask("the Spherelet agent", patience, signal, (enough) => this.#at(address).client.stopPod(request, { authority: authorityOf(vmUuid), deadlineMs: NO_DEADLINE, signal: enough }));
  };

  getPod: Agents["getPod"] = (address, vmUuid, signal) =>
    ask("the Spherelet agent", { clock: this.#options.monotonic, limitMs: READ_LIMIT_MS }, signal, (enough) => this.#at(address).client.getPod({}, { authority: authorityOf(vmUuid), deadlineMs: NO_DEADLINE, signal: enough }));

  listPodStats: Agents["listPodStats"] = async (address, vmUuids) =>
    (await ask("the Spherelet agent", { clock: this.#options.monotonic, limitMs: STATS_LIMIT_MS }, NEVER, (enough) => this.#at(address).client.listPodStats({ vmUuids: [...vmUuids] }, { deadlineMs: NO_DEADLINE, signal: enough }))).pods;

  follow: Agents["follow"] = (address, vmUuid, listener) => this.#at(address).follow(vmUuid, listener);

  /** Resolves when nothing of the connections is left. */
  async close(): Promise<void> {
    const connections = [...this.#connections.values()];
    this.#connections.clear();
    await Promise.all(connections.map((connection) => connection.close()));
  }

  #at(address: string): AgentConnection {
    let connection = this.#connections.get(address);
    if (connection === undefined) {
      connection = new AgentConnection(address, this.#options, () => {
        if (this.#connections.get(address) === connection) this.#connections.delete(address);
      });
      this.#connections.set(address, connection);
    }
    return connection;
  }
}

/** Name of an instance's agent behind the shared port. */
export function authorityOf(vmUuid: string): string {
  return `${vmUuid.toLowerCase()}.crx.spheresim.test`;
}

/** The agents behind one address. */
class AgentConnection {
  readonly client: PromiseClient<typeof AgentServiceService>;
  readonly #options: AgentConnectionsOptions;
  readonly #channel: Channel;
  readonly #listeners = new Map<string, ContainerListener>();
  readonly #abort = new AbortController();
  readonly #onIdle: () => void;
  /** Ends with the stream of changes; undefined while nobody follows. */
  #following: Promise<void> | undefined;
  #idle: Timer | undefined;

  constructor(address: string, options: AgentConnectionsOptions, onIdle: () => void) {
    this.#options = options;
    this.#channel = openChannel({ address, tls: options.tls });
    this.client = this.#channel.client(AgentServiceClient);
    this.#onIdle = onIdle;
    this.#rest();
  }

  follow(vmUuid: string, listener: ContainerListener): () => void {
    this.#idle?.cancel();
    this.#idle = undefined;
    this.#listeners.set(vmUuid, listener);
    this.#following ??= this.#run();
    return () => {
      if (this.#listeners.get(vmUuid) === listener) this.#listeners.delete(vmUuid);
      if (this.#listeners.size === 0) this.#rest();
    };
  }

  async close(): Promise<void> {
    this.#idle?.cancel();
    this.#abort.abort();
    this.#channel.close();
    await this.#following;
  }

  #rest(): void {
    if (this.#abort.signal.aborted) return;
    this.#idle?.cancel();
    this.#idle = this.#options.monotonic.timer(IDLE_MS, () => {
      this.#onIdle();
      void this.close();
    });
  }

  /** Follows the stream across lost connections and restarts of the process. */
  async #run(): Promise<void> {
    const { monotonic, dice, log } = this.#options;
    const { signal } = this.#abort;
    const backoff = new Backoff({ initialMs: RETRY_INITIAL_MS, maxMs: RETRY_MAX_MS, jitter: 0.3, dice: dice.fork(this.#channel.address) });
    let silence: Timer | undefined;
    let token = "";
    while (!signal.aborted) {
      try {
        // A stream from the start begins with everything there is; who followed before it and is not among it is gone.
        const expected = new Set(token === "" ? this.#listeners.keys() : []);
        for await (const { kind, resumeToken, vmUuid, pod } of this.client.watchPods({ resumeToken: token, vmUuid: "" }, { signal })) {
          silence?.cancel();
          silence = undefined;
          backoff.reset();
          if (resumeToken !== "") token = resumeToken;
          if (kind === UpdateKind.SYNCED) {
            for (const missing of expected) this.#listeners.get(missing)?.gone();
            expected.clear();
          }
          expected.delete(vmUuid);
          if (kind === UpdateKind.LEAVE) this.#listeners.get(vmUuid)?.gone();
          else if (pod !== undefined) this.#listeners.get(vmUuid)?.changed(pod);
        }
      } catch (error) {
        if (signal.aborted) break;
        if (RpcError.is(error, RpcCode.OUT_OF_RANGE)) token = "";
        log.info({ err: error, address: this.#channel.address }, "stream of containers broke, opening it again");
      }
      silence ??= monotonic.timer(LOST_AFTER_MS, () => {
        // Who is told so wants to hear how things stand when the process is back, also where nothing changed.
        token = "";
        for (const listener of this.#listeners.values()) listener.lost();
      });
      await monotonic.sleep(backoff.nextMs(), signal).catch(() => undefined);
    }
    silence?.cancel();
  }
}
