import type { Clock } from "../base/clock.js";
import type { Logger } from "../base/log.js";
import type { ObjectStore } from "../kubernetes/object-store.js";
import { isTerminal, type Pod } from "../kubernetes/pod.js";
import { vmUuidOf } from "../kubernetes/vsphere-pod.js";
import { WorkQueue } from "../kubernetes/work-queue.js";
import type { VsphereVms } from "./vsphere.js";

export interface FinishedVmsOptions {
  readonly pods: Pick<ObjectStore<Pod>, "get">;
  readonly vms: Pick<VsphereVms, "powerOffVmOf">;
  /** Emulated: the grace of containers. */
  readonly clock: Clock;
  readonly monotonic: Clock;
  readonly log: Logger;
}

const WORKERS = 16;
/** Whether a VM is off by now, or its host away, is asked again after this long. */
const ASK_AGAIN_MS = 2_000;
/** What core/v1 says where a pod says nothing. */
const DEFAULT_GRACE_SECONDS = 30;
/** From the last second of its grace to KILL and the last word of the agent. */
const KILL_MS = 5_000;

/**
 * The VM of a pod that has ended is powered off: to Kubernetes' accounts such a pod requests nothing, so on the vSphere side it reserves nothing
 * either. VM and object stay as they are until the pod is deleted (D4 to D6). Where somebody else than its Spherelet wrote the end, as eviction
 * does, containers that still run have their grace first.
 */
export class FinishedVms {
  readonly #options: FinishedVmsOptions;
  readonly #queue: WorkQueue;
  /** When each ended pod was first seen so, by UID, emulated; dropped with the pod. */
  readonly #seenMs = new Map<string, number>();
  /** UIDs of pods whose VM is off or gone; dropped with the pod. */
  readonly #off = new Set<string>();

  constructor(options: FinishedVmsOptions) {
    this.#options = options;
    this.#queue = new WorkQueue({ clock: options.monotonic, log: options.log, name: "power off VM", workers: WORKERS, work: (key) => this.#work(key) });
  }

  start(): void {
    this.#queue.start();
  }

  /** A pod changed. */
  consider(key: string, pod: Pod): void {
    if (isFinished(pod) && !this.#off.has(pod.metadata.uid)) this.#queue.add(key);
  }

  /** A pod is gone. */
  forget({ metadata }: Pod): void {
    this.#seenMs.delete(metadata.uid);
    this.#off.delete(metadata.uid);
  }

  close(): Promise<void> {
    return this.#queue.close();
  }

  async #work(key: string): Promise<void> {
    const { pods, vms, clock } = this.#options;
    const pod = pods.get(key);
    if (pod === undefined || !isFinished(pod) || this.#off.has(pod.metadata.uid)) return;
    const { uid } = pod.metadata;
    const seenMs = this.#seenMs.get(uid) ?? clock.nowMs();
    this.#seenMs.set(uid, seenMs);
    if (mayRun(pod) && clock.nowMs() - seenMs < graceMsOf(pod)) return this.#queue.addAfter(key, ASK_AGAIN_MS);
    const isOff = await vms.powerOffVmOf(uid);
    if (!isOff) return this.#queue.addAfter(key, ASK_AGAIN_MS);
    if (pods.get(key)?.metadata.uid === uid) this.#off.add(uid);
  }
}

/** Ended, with a VM, and not on its way out: then the VM goes as a whole. */
function isFinished(pod: Pod): boolean {
  return isTerminal(pod) && pod.metadata.deletionTimestamp === undefined && vmUuidOf(pod) !== undefined;
}

function mayRun({ status }: Pod): boolean {
  return [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])].some(({ state }) => state?.running !== undefined);
}

function graceMsOf({ spec }: Pod): number {
  return Math.max(1, spec.terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS) * 1000 + KILL_MS;
}
