import type { PodContainers } from "../../gen/spheresim/crx/v1/agent.js";
import type { Pod } from "../../kubernetes/pod.js";
import { vmUuidOf } from "../../kubernetes/vsphere-pod.js";
import type { HostContext } from "../node/host-context.js";
import { graceSecondsOf } from "./pod-grace.js";
import { stopContainers } from "./pod-teardown.js";
import type { VmLife } from "./vm-life.js";

/** The one end of a pod's containers, whoever asks for it: their pod is deleted, its time is over, or somebody wrote that it has ended. */
export class PodStop {
  readonly #context: HostContext;
  readonly #closed: AbortSignal;
  #ended: PodContainers | undefined;
  #isDone = false;
  #call: { readonly graceSeconds: number; readonly abort: AbortController } | undefined;

  /** `closed` aborts when nobody looks after the pod any more. */
  constructor(context: HostContext, closed: AbortSignal) {
    this.#context = context;
    this.#closed = closed;
  }

  /** How the containers ended; undefined before, and where none ran. */
  get ended(): PodContainers | undefined {
    return this.#ended;
  }

  /** Whether nothing runs any more, for good. */
  get isDone(): boolean {
    return this.#isDone;
  }

  /** Whether containers are being stopped. */
  get isUnderWay(): boolean {
    return this.#call !== undefined;
  }

  /** A second deletion may leave less time than the first: the stop under way is broken off, for another one. */
  heed(pod: Pod): void {
    if (this.#call !== undefined && graceSecondsOf(pod) < this.#call.graceSeconds) this.breakOff();
  }

  /** The stop under way has no prospect. */
  breakOff(): void {
    this.#call?.abort.abort();
  }

  /** Stops what runs; false when it was broken off, for another one. `deleted`: the stop is D2. */
  async run(pod: Pod, life: VmLife | undefined, deleted: boolean, guestHangs: boolean): Promise<boolean> {
    const vmUuid = vmUuidOf(pod);
    if (vmUuid === undefined || this.#isDone) return true;
    return this.#try(pod, async (signal) => {
      this.#ended = await stopContainers(this.#context, pod, vmUuid, life, deleted, guestHangs, signal);
      this.#isDone = true;
    });
  }

  /** Stops what still runs of a pod whose end is written already; false when it was broken off. */
  silence(pod: Pod, life: VmLife): Promise<boolean> {
    return this.#try(pod, async (signal) => void (await this.#context.agents.stopPod(life.agentAddress, life.vmUuid, pod.metadata.uid, graceSecondsOf(pod), signal)));
  }

  async #try(pod: Pod, stop: (signal: AbortSignal) => Promise<void>): Promise<boolean> {
    const call = { graceSeconds: graceSecondsOf(pod), abort: new AbortController() };
    this.#call = call;
    try {
      await stop(AbortSignal.any([this.#closed, call.abort.signal]));
      return true;
    } catch (error) {
      if (call.abort.signal.aborted) return false;
      throw error;
    } finally {
      this.#call = undefined;
    }
  }
}
