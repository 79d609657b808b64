import type { PodContainers } from "../../gen/spheresim/crx/v1/agent.js";
import { isBeingDeleted } from "../../kubernetes/object-meta.js";
import { isTerminal, type Pod } from "../../kubernetes/pod.js";
import { ImageWait } from "../images/image-wait.js";
import { admit } from "../node/admission.js";
import type { HostContext } from "../node/host-context.js";
import { UnmountedVolumes } from "../spec/config-error.js";
import { buildStartRequest } from "../spec/start-request.js";
import { ProviderFault } from "../vsphere.js";
import { HeldContainers } from "./held-containers.js";
import { loggedAs } from "./pod-setback.js";
import { giveBody, missingImages, startContainers } from "./pod-startup.js";
import { ToldEvents } from "./told-events.js";
import { VmLife } from "./vm-life.js";

/** A start that takes longer than this shows in the pod's status as it stands; a quicker one needs one write only. */
const SLOW_START_MS = 1_000;

export interface PodStartOptions {
  readonly context: HostContext;
  /** The pod was there before this Spherelet, which may have begun with it. */
  readonly recovered: boolean;
  /** The pod as it is known now. */
  readonly pod: () => Pod;
  /** A VM is there for the pod; its containers may come. */
  readonly onLife: (life: VmLife) => void;
  /** The containers of a life have changed; undefined when that life is over. */
  readonly onContainers: (now: PodContainers | undefined) => void;
  /** Images that were waited for have changed. */
  readonly onImages: () => void;
  /** The start takes its time, and the status is to say so. */
  readonly onSlow: () => void;
}

/** Steps 12 and 13 of one pod, as often as its VM boots: from its images to containers that run. */
export class PodStart {
  readonly images: ImageWait;
  readonly #options: PodStartOptions;
  readonly #told: ToldEvents;
  /** Whether this host may run the pod at all; one that a former Spherelet may have taken on is not asked again. */
  #admitted: boolean;
  /** Whether the VM may have had a personality before this Spherelet gave it one. */
  #mayHaveBody: boolean;
  #attempt: AbortController | undefined;
  readonly #held: HeldContainers;
  #life: VmLife | undefined;

  constructor(options: PodStartOptions) {
    const { context, recovered, pod, onImages, onSlow } = options;
    this.#options = options;
    this.#admitted = recovered;
    this.#mayHaveBody = recovered;
    this.images = new ImageWait(context, context.dice.fork(`images/${pod().metadata.uid}`), onImages, onSlow);
    this.#told = new ToldEvents(context.events);
    this.#held = new HeldContainers({
      monotonic: context.monotonic,
      startGate: context.startGate,
      tell: (container, reason, message) => context.events.held(this.#options.pod(), container, reason, message),
      retry: (signal) => this.#startHeld(signal),
    });
  }

  /** Rejects with NotAdmitted where the pod may not run on this host. */
  async admit(pod: Pod): Promise<void> {
    const { node, room } = this.#options.context;
    if (!this.#admitted) await admit(node, room, pod);
    this.#admitted = true;
  }

  /** Breaks an attempt under way off, for something more urgent. */
  interrupt(): void {
    this.#attempt?.abort();
    this.#held.leave();
  }

  /** Waits for nothing any more. */
  leave(): void {
    this.images.leave();
    this.#held.leave();
  }

  /** A call was made whose answer nobody knows, or the VM had a life before: what is there is asked for first. */
  doubt(): void {
    this.#mayHaveBody = true;
  }

  /** One attempt; whether it came to its end: there may be images to wait for, and that is one. False when it was interrupted. */
  async run(pod: Pod, vmUuid: string): Promise<boolean> {
    const { context, onSlow } = this.#options;
    const attempt = new AbortController();
    this.#attempt = attempt;
    const slow = context.monotonic.timer(SLOW_START_MS, onSlow);
    try {
      if (this.images.ready(pod)) await context.startGate.run(() => this.#run(pod, vmUuid, attempt.signal), attempt.signal);
      return true;
    } catch (error) {
      if (!attempt.signal.aborted) throw error;
      this.doubt();
      return false;
    } finally {
      slow.cancel();
      this.#attempt = undefined;
    }
  }

  async #run(pod: Pod, vmUuid: string, signal: AbortSignal): Promise<void> {
    const { context, onLife } = this.#options;
    signal.throwIfAborted();
    const vm = await giveBody(context, pod, vmUuid, this.#mayHaveBody || pod.status?.startTime !== undefined, signal);
    signal.throwIfAborted();
    const { agentAddress, podIp, powerOnCount } = vm;
    const life = new VmLife({ agents: context.agents, podUid: pod.metadata.uid, vmUuid, agentAddress, podIp, powerOnCount, onChange: (now) => this.#changed(powerOnCount, now) });
    this.#life = life;
    onLife(life);
    const announce = (): void => {
      this.#told.begin(powerOnCount);
      this.images.announce(pod);
    };
    const started = await startContainers(context, pod, vmUuid, vm, announce, signal);
    if (started.found) this.#told.join(powerOnCount, started.containers);
    life.learn(started.containers);
    if (life.containers === undefined && !life.over) throw new ProviderFault("the Spherelet agent", "", `the answer is of pod '${started.containers.podUid}'`, true);
  }

  /** Has the agent look again at the containers that it holds. What goes wrong is told; the next look comes all the same. */
  async #startHeld(signal: AbortSignal): Promise<void> {
    const { context, pod: present } = this.#options;
    const { agents, config, host, events, log } = context;
    const pod = present();
    const life = this.#life;
    if (life === undefined || missingImages(context, pod).length > 0) return;
    try {
      const request = await buildStartRequest({ pod, host, podIp: life.podIp }, config, new Map(), new Set());
      life.learn(await agents.startPod(life.agentAddress, life.vmUuid, request, signal));
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof UnmountedVolumes) events.mountFailed(pod, error);
      log.info({ ...loggedAs(error), pod: `${pod.metadata.namespace}/${pod.metadata.name}` }, "containers that are held cannot be started yet");
    }
  }

  #changed(powerOnCount: number, now: PodContainers | undefined): void {
    const { pod: present, onContainers } = this.#options;
    const pod = present();
    if (now === undefined) this.images.restart();
    else this.#told.tell(pod, powerOnCount, now);
    if (now === undefined || isBeingDeleted(pod) || isTerminal(pod)) this.#held.leave();
    else this.#held.look(now);
    onContainers(now);
  }
}
