import type { PodContainers } from "../../gen/spheresim/crx/v1/agent.js";
import type { Trouble } from "../status/pod-status.js";
import type { AgentAddress, Agents } from "../vsphere.js";

export interface VmLifeOptions {
  readonly agents: Agents;
  readonly podUid: string;
  readonly vmUuid: string;
  /** Where the agent answers, `host:port`. */
  readonly agentAddress: string;
  /** Address the personality gave the pod. */
  readonly podIp: string;
  /** Number of the VM's power-on. */
  readonly powerOnCount: number;
  /** Something changed; undefined when the life is over. */
  readonly onChange: (now: PodContainers | undefined) => void;
}

/**
 * One life of a pod's VM: from its personality until it loses power. Its agent knows the containers of this life alone.
 *
 * The answer of a call and the stream of changes overtake each other; the higher revision is the truth.
 */
export class VmLife {
  readonly vmUuid: string;
  readonly agentAddress: string;
  readonly podIp: string;
  readonly powerOnCount: number;
  readonly #options: VmLifeOptions;
  readonly #unfollow: () => void;
  #containers: PodContainers | undefined;
  #over = false;
  #lost = false;

  constructor(options: VmLifeOptions) {
    this.#options = options;
    this.vmUuid = options.vmUuid;
    this.agentAddress = options.agentAddress;
    this.podIp = options.podIp;
    this.powerOnCount = options.powerOnCount;
    this.#unfollow = options.agents.follow(options.agentAddress, options.vmUuid, {
      changed: (containers) => this.learn(containers),
      gone: () => this.expire(),
      lost: () => {
        if (this.#over || this.#lost) return;
        this.#lost = true;
        if (this.#containers !== undefined) this.#options.onChange(this.#containers);
      },
    });
  }

  /** What the agent said last; undefined before the pod was started. */
  get containers(): PodContainers | undefined {
    return this.#containers;
  }

  /** Where its agent answers, while it has one. */
  get agent(): AgentAddress | undefined {
    return this.#over ? undefined : { address: this.agentAddress, vmUuid: this.vmUuid };
  }

  /** The VM lost power, or this Spherelet let go of it. */
  get over(): boolean {
    return this.#over;
  }

  /** What the pod is to say while the agent's process is not heard of. */
  get trouble(): Trouble | undefined {
    return this.#lost && !this.#over ? { reason: "AgentUnreachable", message: `the Spherelet agent at ${this.agentAddress} does not answer`, final: false } : undefined;
  }

  /** Whether a container runs, as far as is known. */
  get runs(): boolean {
    const { initContainers = [], containers = [] } = this.#containers ?? {};
    return !this.#over && [...initContainers, ...containers].some((status) => status.state?.$case === "running");
  }

  /** Takes a state in, unless it is older than what is known or of a pod that was not started. */
  learn(containers: PodContainers): void {
    if (this.#over) return;
    const found = this.#lost;
    this.#lost = false;
    const before = this.#containers;
    const isNews = containers.podUid === this.#options.podUid && (before === undefined || containers.revision > before.revision);
    if (isNews) this.#containers = containers;
    if ((isNews || found) && this.#containers !== undefined) this.#options.onChange(this.#containers);
  }

  /** The VM lost power. */
  expire(): void {
    if (this.#over) return;
    this.#over = true;
    this.#options.onChange(undefined);
  }

  /** Lets go. */
  end(): void {
    this.#over = true;
    this.#unfollow();
  }
}
