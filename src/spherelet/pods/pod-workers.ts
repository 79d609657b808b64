import { isTerminal, type Pod } from "../../kubernetes/pod.js";
import { parseTime } from "../../kubernetes/timestamp.js";
import { vmUuidOf } from "../../kubernetes/vsphere-pod.js";
import { SphereletFault } from "../errors.js";
import type { HostContext } from "../node/host-context.js";
import { PodWorker } from "./pod-worker.js";
import type { AgentAddress, VmNews } from "../vsphere.js";

/** A pod that is bound and has no VM for so long, emulated, says so in its status; the slowest placement measured took 37 s. */
const VM_EXPECTED_WITHIN_MS = 60_000;

/** The pods of one host: one worker each. */
export class PodWorkers {
  readonly #context: HostContext;
  /** By pod UID. */
  readonly #workers = new Map<string, PodWorker>();
  /** UIDs of pods that are bound and have no VM yet. */
  readonly #withoutVm = new Set<string>();
  /** UID of the pod by the BIOS uuid of its VM. */
  readonly #byVm = new Map<string, string>();
  /** Ends of workers whose pods are gone, by what breaks them off. */
  readonly #leaving = new Map<AbortController, Promise<void>>();
  #closed = false;

  constructor(context: HostContext) {
    this.#context = context;
  }

  get size(): number {
    return this.#workers.size;
  }

  /** The pod as this host knows it. */
  find(uid: string): Pod | undefined {
    return this.#workers.get(uid)?.pod;
  }

  /** Where the agent of a pod answers, while it has one. */
  agentOf(uid: string): AgentAddress | undefined {
    return this.#workers.get(uid)?.agent;
  }

  /** Step 11: has the pod configured; whether it had been taken on before. The caller has checked that it may be. */
  configure(pod: Pod): { readonly before: boolean } {
    if (this.#closed) throw SphereletFault.hostNotReachable(this.#context.host.name, "its Spherelet does not run");
    const worker = this.#workers.get(pod.metadata.uid) ?? this.#open(pod, false);
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

  /**
   * The pod as the API server has it. `recovered`: it was there when this Spherelet began, so a Spherelet that is no more may have configured it,
   * and it is looked after without being asked.
   */
  see(pod: Pod, recovered: boolean): void {
    this.#file(pod);
    const known = this.#workers.get(pod.metadata.uid);
    if (known === undefined) this.#open(pod, recovered && vmUuidOf(pod) !== undefined).wake("soon");
    else known.see(pod);
  }

  /** The API server has the pod no more. */
  gone(pod: Pod): void {
    const { uid } = pod.metadata;
    this.#withoutVm.delete(uid);
    const worker = this.#workers.get(uid);
    const vmUuid = vmUuidOf(worker?.pod ?? pod);
    if (vmUuid !== undefined && this.#byVm.get(vmUuid) === uid) this.#byVm.delete(vmUuid);
    this.#workers.delete(uid);
    if (worker === undefined) return;
    const enough = new AbortController();
    this.#leaving.set(enough, worker.abandon(enough.signal).finally(() => this.#leaving.delete(enough)));
  }

  /** All pods of the host, after a time in which nothing was heard: `isMissing` says whether one that is not among them is gone. */
  seeAll(pods: readonly Pod[], recovered: boolean, isMissing: (pod: Pod) => boolean): void {
    const there = new Set(pods.map((pod) => pod.metadata.uid));
    for (const { pod } of this.#workers.values()) if (!there.has(pod.metadata.uid) && isMissing(pod)) this.gone(pod);
    for (const pod of pods) this.see(pod, recovered);
  }

  /** Has pods say so that have waited too long for their VM. */
  lookForPodsWithoutVm(): void {
    const nowMs = this.#context.clock.nowMs();
    for (const uid of this.#withoutVm) {
      const worker = this.#workers.get(uid);
      if (worker === undefined || isTerminal(worker.pod)) this.#withoutVm.delete(uid);
      else if (nowMs - boundSinceMs(worker.pod, nowMs) > VM_EXPECTED_WITHIN_MS) worker.missVm();
    }
  }

  /** Ends the work; containers and VMs stay as they are. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const enough of this.#leaving.keys()) enough.abort();
    await Promise.all([...this.#leaving.values(), ...[...this.#workers.values()].map((worker) => worker.close())]);
    this.#workers.clear();
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

  #open(pod: Pod, recovered: boolean): PodWorker {
    const worker = new PodWorker(this.#context, pod, recovered, () => this.gone(pod));
    this.#workers.set(pod.metadata.uid, worker);
    return worker;
  }
}

function boundSinceMs(pod: Pod, nowMs: number): number {
  const scheduled = pod.status?.conditions?.find((condition) => condition.type === "PodScheduled" && condition.status === "True");
  return parseTime(scheduled?.lastTransitionTime) ?? parseTime(pod.metadata.creationTimestamp) ?? nowMs;
}
