import type { Clock } from "../base/clock.js";
import type { Logger } from "../base/log.js";
import { RpcCode, RpcError } from "../base/rpc-error.js";
import type { EventRecorder } from "../kubernetes/event-recorder.js";
import type { ObjectStore } from "../kubernetes/object-store.js";
import type { PodSteps } from "../kubernetes/pod-steps.js";
import { isTerminal, type Pod } from "../kubernetes/pod.js";
import { vmUuidOf } from "../kubernetes/vsphere-pod.js";
import { WorkQueue } from "../kubernetes/work-queue.js";
import type { Spherelets } from "./vsphere.js";

export interface PodConfiguratorOptions {
  readonly pods: Pick<ObjectStore<Pod>, "get">;
  readonly spherelets: Spherelets;
  readonly events: Pick<EventRecorder, "record">;
  readonly steps: PodSteps;
  /** Emulated. */
  readonly clock: Clock;
  readonly monotonic: Clock;
  readonly log: Logger;
}

/** A pod that was handed over and of which the Spherelet has told nothing after this long is handed over again. */
const RESEND_AFTER_MS = 15_000;
const WORKERS = 16;

interface HandedOver {
  readonly wish: string;
  readonly sentMs: number;
}

/**
 * Step 11: a pod that names its VM and its host is handed to that host's Spherelet, again and again until it is accepted.
 * Level-triggered on both sides, so nothing is remembered that a restart could lose.
 */
export class PodConfigurator {
  readonly #options: PodConfiguratorOptions;
  readonly #queue: WorkQueue;
  /** By pod UID; dropped with the pod. */
  readonly #handedOver = new Map<string, HandedOver>();

  constructor(options: PodConfiguratorOptions) {
    this.#options = options;
    this.#queue = new WorkQueue({ clock: options.monotonic, log: options.log, name: "configure pod", workers: WORKERS, work: (key) => this.#work(key) });
  }

  start(): void {
    this.#queue.start();
  }

  /** A pod changed. */
  consider(key: string, pod: Pod): void {
    if (isToBeConfigured(pod) && this.#handedOver.get(pod.metadata.uid)?.wish !== wishOf(pod)) this.#queue.add(key);
  }

  /** A pod is gone. */
  forget(pod: Pod): void {
    this.#handedOver.delete(pod.metadata.uid);
  }

  close(): Promise<void> {
    return this.#queue.close();
  }

  async #work(key: string): Promise<void> {
    const { pods, spherelets, events, steps, clock, monotonic } = this.#options;
    const pod = pods.get(key);
    if (pod === undefined || !isToBeConfigured(pod)) return;
    const { uid, name, namespace = "" } = pod.metadata;
    const wish = wishOf(pod);
    const before = this.#handedOver.get(uid);
    const again = before?.wish === wish;
    if (again && (hasBegun(pod) || monotonic.nowMs() - before.sentMs < RESEND_AFTER_MS)) return;
    const startMs = clock.nowMs();
    const host = pod.spec.nodeName!;
    try {
      await spherelets.configurePod(host, { namespace, name, podUid: uid, vmUuid: vmUuidOf(pod)!, podJson: Buffer.from(JSON.stringify(pod)) });
    } catch (error) {
      if (RpcError.is(error) && error.code !== RpcCode.UNAVAILABLE && error.code !== RpcCode.CANCELLED) {
        events.record(pod, "Warning", "FailedConfigurePod", `Spherelet of ${host} does not take the pod: ${error.message}`, { apiVersion: "v1", kind: "Pod" });
      }
      throw error;
    }
    if (pods.get(key)?.metadata.uid !== uid) return;
    this.#handedOver.set(uid, { wish, sentMs: monotonic.nowMs() });
    if (!again) {
      steps.record({ pod, step: 11, peer: "spherelet", wire: "spheresim.spherelet.v1.SphereletService/ConfigurePod", startMs, subject: host, message: `Spherelet of ${host} took the pod on` });
    }
    this.#queue.addAfter(key, RESEND_AFTER_MS);
  }
}

/** Bound, with a VM, neither ended nor on its way out. */
function isToBeConfigured(pod: Pod): boolean {
  return pod.metadata.deletionTimestamp === undefined && !isTerminal(pod) && (pod.spec.nodeName ?? "") !== "" && vmUuidOf(pod) !== undefined;
}

function wishOf(pod: Pod): string {
  return `${pod.spec.nodeName ?? ""}/${vmUuidOf(pod) ?? ""}`;
}

/** Whether the Spherelet has written anything of it yet. */
function hasBegun(pod: Pod): boolean {
  return pod.status?.startTime !== undefined || (pod.status?.containerStatuses?.length ?? 0) > 0 || (pod.status?.initContainerStatuses?.length ?? 0) > 0;
}
