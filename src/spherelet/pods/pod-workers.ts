import type { Clock, Timer } from "../../base/clock.js";
import type { Logger } from "../../base/log.js";
import type { Informer } from "../../kubernetes/informer.js";
import { isTerminal, type Pod } from "../../kubernetes/pod.js";
import { parseTime } from "../../kubernetes/timestamp.js";
import { vmUuidOf } from "../../kubernetes/vsphere-pod.js";
import type { HostContext } from "../node/host-context.js";
import { PodWorker } from "./pod-worker.js";
import type { AgentAddress, VmNews } from "../vsphere.js";

export interface PodWorkersOptions {
  /** By node name. */
  readonly contexts: ReadonlyMap<string, HostContext>;
  readonly pods: Pick<Informer<Pod>, "subscribe" | "hasSynced">;
  /** Emulated. */
  readonly clock: Clock;
  readonly monotonic: Clock;
  readonly log: Logger;
}

/** Pods one process takes on. */
export const MAX_PODS = 20_000;
/** A pod that is bound and has no VM for so long, emulated, says so in its status; the slowest placement measured took 37 s. */
const VM_EXPECTED_WITHIN_MS = 60_000;
const SWEEP_PERIOD_MS = 10_000;

/** The pods of all hosts of a process: one worker each, told of changes by one watch. */
export class PodWorkers {
  readonly #options: PodWorkersOptions;
  /** By pod UID. */
  readonly #workers = new Map<string, PodWorker>();
  /** UIDs of pods that are bound and have no VM yet. */
  readonly #withoutVm = new Set<string>();
  /** UID of the pod by the BIOS uuid of its VM. */
  readonly #byVm = new Map<string, string>();
  #unsubscribe: (() => void) | undefined;
  #sweep: Timer | undefined;

  constructor(options: PodWorkersOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#workers.size;
  }

  start(): void {
    this.#unsubscribe = this.#options.pods.subscribe({
      added: (pod) => this.#see(pod),
      updated: (pod) => this.#see(pod),
      deleted: (pod) => this.#gone(pod),
    });
    this.#sweepLater();
  }

  /** The pod as this process knows it. */
  find(uid: string): Pod | undefined {
    return this.#workers.get(uid)?.pod;
  }

  /** Where the agent of a pod answers, while it has one. */
  agentOf(uid: string): AgentAddress | undefined {
    return this.#workers.get(uid)?.agent;
  }

  /** Step 11: has the pod configured; whether it had been taken on before. The caller has checked that it may be. */
  configure(context: HostContext, pod: Pod): { readonly before: boolean } {
    const worker = this.#workers.get(pod.metadata.uid) ?? this.#open(context, pod, false);
    const before = worker.asked;
    this.#file(pod);
    worker.see(pod);
    worker.ask();
    return { before };
  }

  /** HostD tells of a VM. */
  hear(news: VmNews): void {
    this.#workers.get(this.#byVm.get(news.vmUuid) ?? "")?.hear(news);
  }

  /** Ends the work; containers and VMs stay as they are. */
  async close(): Promise<void> {
    this.#unsubscribe?.();
    this.#sweep?.cancel();
    await Promise.all([...this.#workers.values()].map((worker) => worker.close()));
    this.#workers.clear();
  }

  #see(pod: Pod): void {
    const context = this.#options.contexts.get(pod.spec.nodeName ?? "");
    if (context === undefined) return;
    const { uid } = pod.metadata;
    this.#file(pod);
    const known = this.#workers.get(uid);
    if (known !== undefined) {
      known.see(pod);
      return;
    }
    // What is there at the start may have been configured by a Spherelet that is no more: it is looked after without being asked.
    const recovered = !this.#options.pods.hasSynced && vmUuidOf(pod) !== undefined;
    this.#open(context, pod, recovered).wake("soon");
  }

  #file(pod: Pod): void {
    const { uid } = pod.metadata;
    const vmUuid = vmUuidOf(pod);
    if (vmUuid === undefined) {
      this.#withoutVm.add(uid);
      return;
    }
    this.#withoutVm.delete(uid);
    this.#byVm.set(vmUuid, uid);
  }

  #open(context: HostContext, pod: Pod, recovered: boolean): PodWorker {
    const worker = new PodWorker(context, pod, recovered, () => this.#gone(pod));
    this.#workers.set(pod.metadata.uid, worker);
    return worker;
  }

  #gone(pod: Pod): void {
    const { uid } = pod.metadata;
    this.#withoutVm.delete(uid);
    const worker = this.#workers.get(uid);
    const vmUuid = vmUuidOf(worker?.pod ?? pod);
    if (vmUuid !== undefined && this.#byVm.get(vmUuid) === uid) this.#byVm.delete(vmUuid);
    worker?.abandon();
    this.#workers.delete(uid);
  }

  #sweepLater(): void {
    this.#sweep = this.#options.monotonic.timer(SWEEP_PERIOD_MS, () => {
      this.#lookForPodsWithoutVm();
      this.#sweepLater();
    });
  }

  #lookForPodsWithoutVm(): void {
    const nowMs = this.#options.clock.nowMs();
    for (const uid of this.#withoutVm) {
      const worker = this.#workers.get(uid);
      if (worker === undefined || isTerminal(worker.pod)) this.#withoutVm.delete(uid);
      else if (nowMs - boundSinceMs(worker.pod, nowMs) > VM_EXPECTED_WITHIN_MS) worker.missVm();
    }
  }
}

function boundSinceMs(pod: Pod, nowMs: number): number {
  const scheduled = pod.status?.conditions?.find((condition) => condition.type === "PodScheduled" && condition.status === "True");
  return parseTime(scheduled?.lastTransitionTime) ?? parseTime(pod.metadata.creationTimestamp) ?? nowMs;
}
