import type { PodContainers, StartPodRequest } from "../gen/spheresim/crx/v1/agent.js";
import type { PodStats } from "../gen/spheresim/crx/v1/stats.js";
import type { HostVm, Personality } from "../gen/spheresim/hostd/v1/host.js";

/** Whose answer a fault is. */
export type Provider = "HostD" | "the Spherelet agent";

/** HostD or the agent said no, or nothing. */
export class ProviderFault extends Error {
  override readonly name = "ProviderFault";
  readonly provider: Provider;
  /** Name of the vim25 fault; empty when no answer came. */
  readonly fault: string;
  /** Whether the same call can succeed later: nobody answered, or the VM is not there yet. */
  readonly passing: boolean;

  constructor(provider: Provider, fault: string, message: string, passing: boolean, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.provider = provider;
    this.fault = fault;
    this.passing = passing;
  }
}

/** What a Spherelet asks of its host's HostD. Failures are ProviderFaults. */
export interface HostD {
  /** Gives the VM its personality and answers when its agent is ready (step 12). */
  configurePersonality(host: string, vmUuid: string, personality: Personality, signal: AbortSignal): Promise<HostVm>;
  /** The VM by BIOS uuid; undefined when the host has none of it. */
  getVm(host: string, vmUuid: string, signal: AbortSignal): Promise<HostVm | undefined>;
}

/** What HostD tells of a VM without being asked. */
export interface VmNews {
  readonly host: string;
  /** BIOS uuid. */
  readonly vmUuid: string;
  /** Number of the present power-on. */
  readonly powerOnCount: number;
  /** Whether CRX init waits for a personality. */
  readonly waits: boolean;
  /** Whether nothing runs in it: it is off, or the host has it no more. */
  readonly off: boolean;
  /** Whether the host has it no more. */
  readonly gone: boolean;
  /** Why it is off, where nobody wished it; empty otherwise. */
  readonly fault: string;
  /** Whether its guest has no heartbeat any more. */
  readonly hangs: boolean;
}

/** Hears of one VM's containers. */
export interface ContainerListener {
  /** The whole state, at each change. */
  changed(containers: PodContainers): void;
  /** The instance is no more: powered off, crashed, or booted again without personality. */
  gone(): void;
  /** Nothing was heard of its process for a while; `changed` or `gone` follow if that ends. */
  lost(): void;
}

/** Where the agent of a pod answers. */
export interface AgentAddress {
  /** `host:port` of its machine process. */
  readonly address: string;
  /** BIOS uuid of its VM. */
  readonly vmUuid: string;
}

/** What a Spherelet asks of the agents inside CRX instances. Failures are ProviderFaults. */
export interface Agents {
  startPod(address: string, vmUuid: string, request: StartPodRequest, signal: AbortSignal): Promise<PodContainers>;
  /** TERM, grace, KILL; answers when all have ended (D2). */
  stopPod(address: string, vmUuid: string, podUid: string, graceSeconds: number, signal: AbortSignal): Promise<PodContainers>;
  getPod(address: string, vmUuid: string, signal: AbortSignal): Promise<PodContainers>;
  /** What the containers of these VMs use, at most 100; VMs that do not run there are left out. */
  listPodStats(address: string, vmUuids: readonly string[]): Promise<readonly PodStats[]>;
  /** Listens from now on; the returned function ends it. */
  follow(address: string, vmUuid: string, listener: ContainerListener): () => void;
}

/** An ESXi host as a thing in a rack, as far as its Spherelet depends on it. */
export interface HostState {
  /** FQDN. */
  readonly name: string;
  /** Physical cores. */
  readonly cores: number;
  /** Physical memory, MB. */
  readonly memoryMb: number;
  /** Labels of its Node beyond the usual ones. */
  readonly labels: Readonly<Record<string, string>>;
  /** Whether it has power and its Spherelet was not stopped. */
  readonly runs: boolean;
  /** Whether its network cable is plugged in. */
  readonly connected: boolean;
  /** Changes with every boot. */
  readonly bootId: string;
}

/** Hears of the hosts of a process. */
export interface HostListener {
  /** A host is there, or changed. */
  changed(host: HostState): void;
  /** It was taken out of the rack. */
  removed(name: string): void;
  /** These are all; hosts that are not among them are no more. */
  listed(names: ReadonlySet<string>): void;
  /** Nobody can tell: HostD has no HardwareService. */
  unknown(): void;
  /** HostD did not answer (yet). */
  silent(): void;
}
