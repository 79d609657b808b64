import type { Clock } from "../base/clock.js";
import type { Logger } from "../base/log.js";
import { RecentMap } from "../base/recent-map.js";
import type { TaskInfo } from "../gen/spheresim/vim/v1/task.js";
import { TaskState } from "../gen/spheresim/vim/v1/task.js";
import type { ApiClient } from "../kubernetes/api-client.js";
import { isConditionTrue } from "../kubernetes/condition.js";
import type { Node } from "../kubernetes/node.js";
import { nameOf } from "../kubernetes/object-meta.js";
import type { ObjectStore } from "../kubernetes/object-store.js";
import type { PodSteps } from "../kubernetes/pod-steps.js";
import type { Pod } from "../kubernetes/pod.js";
import { pods as podType } from "../kubernetes/resource-type.js";
import { isConflict, isNotFound } from "../kubernetes/status.js";
import { hasLifecycleFinalizer, lifecycleFinalizer, vmUuidOf } from "../kubernetes/vsphere-pod.js";
import { WorkQueue } from "../kubernetes/work-queue.js";
import type { VsphereVms } from "./vsphere.js";

export interface VmReaperOptions {
  readonly client: ApiClient;
  readonly pods: Pick<ObjectStore<Pod>, "get">;
  readonly nodes: Pick<ObjectStore<Node>, "get">;
  readonly vms: VsphereVms;
  readonly steps: PodSteps;
  /** Emulated. */
  readonly clock: Clock;
  readonly monotonic: Clock;
  readonly log: Logger;
}

const WORKERS = 16;
/** A task may end before the answer that names it is here: so many ended ones are remembered. */
const MAX_ENDED_TASKS = 2048;
const FIELD_MANAGER = "lifecycle-controller";

/** One VM on its way out. */
interface Destruction {
  readonly key: string;
  readonly startMs: number;
  /** The task as last heard; undefined when there was no VM. */
  task: TaskInfo | undefined;
  destroyed: boolean;
}

/**
 * The way back from D4 to D6: a pod whose containers have ended and that only our finalizer still holds has its VM powered
 * off and destroyed; then the finalizer goes, and with it the object. Waits for the task without holding a worker, so one
 * host that does not answer delays its own pods only.
 *
 * A pod that is deleted by force while neither HostD nor the Node's agent is heard goes without its VM: who does so says that nothing shall wait for
 * the host. When that is back, the orphan sweep destroys the VM.
 */
export class VmReaper {
  readonly #options: VmReaperOptions;
  readonly #queue: WorkQueue;
  /** By pod UID. */
  readonly #destructions = new Map<string, Destruction>();
  readonly #endedTasks = new RecentMap<string, TaskInfo>(MAX_ENDED_TASKS);

  constructor(options: VmReaperOptions) {
    this.#options = options;
    this.#queue = new WorkQueue({ clock: options.monotonic, log: options.log, name: "destroy VM", workers: WORKERS, work: (key) => this.#work(key) });
  }

  start(): void {
    this.#queue.start();
  }

  /** A pod changed. */
  consider(key: string, pod: Pod): void {
    if (isToBeReaped(pod) && !this.#destructions.has(pod.metadata.uid)) this.#queue.add(key);
  }

  /** A pod is gone. */
  forget(pod: Pod): void {
    this.#destructions.delete(pod.metadata.uid);
  }

  /** A task changed. */
  taskChanged(task: TaskInfo): void {
    if (isOver(task) && task.task !== undefined) this.#endedTasks.set(task.task.value, task);
    const destruction = this.#destructions.get(task.ownerUid);
    if (destruction?.task === undefined || destruction.task.task?.value !== task.task?.value) return;
    destruction.task = task;
    if (isOver(task)) this.#queue.add(destruction.key);
  }

  /** Task changes may have been missed: every VM on its way out is asked for again (the call is idempotent by owner). */
  tasksRestarted(): void {
    for (const [uid, destruction] of this.#destructions) {
      if (destruction.destroyed) continue;
      this.#destructions.delete(uid);
      this.#queue.add(destruction.key);
    }
  }

  close(): Promise<void> {
    return this.#queue.close();
  }

  async #work(key: string): Promise<void> {
    const { pods, vms, clock } = this.#options;
    const pod = pods.get(key);
    if (pod === undefined || !isToBeReaped(pod)) return;
    const { uid } = pod.metadata;
    let destruction = this.#destructions.get(uid);
    if (destruction === undefined) {
      const startMs = clock.nowMs();
      const accepted = await vms.destroyVmOf(uid);
      const task = this.#endedTasks.get(accepted?.task?.value ?? "") ?? accepted;
      destruction = { key, startMs, task, destroyed: task === undefined };
      this.#destructions.set(uid, destruction);
      if (task === undefined) this.#recordDestroyed(pod, destruction);
    }
    if (!destruction.destroyed) {
      const { task } = destruction;
      if (task === undefined || !isOver(task)) return;
      if (task.state === TaskState.ERROR && task.error?.fault?.$case !== "managedObjectNotFound") {
        this.#destructions.delete(uid);
        if (isOutOfReach(task) && !isConditionTrue(this.#options.nodes.get(pod.spec.nodeName ?? "")?.status?.conditions, "Ready")) {
          this.#options.log.warn({ pod: key, node: pod.spec.nodeName }, "the pod was deleted by force and its host is away: its VM is destroyed when the host is back");
          // Remembered until the object is gone, so that it is not asked for again.
          this.#destructions.set(uid, { ...destruction, destroyed: true });
          return this.#release(pod);
        }
        throw new Error(`the VM of pod ${key} was not destroyed: ${task.error?.localizedMessage ?? "unknown fault"}`);
      }
      destruction.destroyed = true;
      this.#recordDestroyed(pod, destruction);
    }
    await this.#release(pod);
  }

  /** D6. A conflict means that somebody else wrote the pod: its change brings the key back with the newer version. */
  async #release(pod: Pod): Promise<void> {
    const { client, steps, clock, log } = this.#options;
    const { uid, resourceVersion, finalizers = [] } = pod.metadata;
    const startMs = clock.nowMs();
    const body = { metadata: { uid, resourceVersion, finalizers: finalizers.filter((finalizer) => finalizer !== lifecycleFinalizer) } };
    try {
      const released = await client.patch(podType, nameOf(pod), { type: "merge", body }, { fieldManager: FIELD_MANAGER });
      steps.record({
        pod,
        step: 106,
        peer: "apiserver",
        wire: `PATCH /api/v1/namespaces/${pod.metadata.namespace ?? ""}/pods/${pod.metadata.name}`,
        startMs,
        subject: pod.metadata.name,
        message: "finalizer removed",
        etcdRevision: revisionOf(released),
      });
    } catch (error) {
      if (isNotFound(error)) return;
      if (!isConflict(error)) throw error;
      log.debug({ pod: pod.metadata.name }, "pod changed while its finalizer was removed, trying again");
      // Not through back-off: the newer version is on its way here, and with it the next try.
      this.#queue.addAfter(this.#keyOf(uid), 20);
    }
  }

  #keyOf(uid: string): string {
    return this.#destructions.get(uid)!.key;
  }

  #recordDestroyed(pod: Pod, { task, startMs }: Destruction): void {
    this.#options.steps.record({
      pod,
      step: 104,
      peer: "vcenter",
      wire: "spheresim.vcenter.v1.VirtualMachineService/DestroyVm",
      startMs,
      subject: task?.entity?.value ?? vmUuidOf(pod) ?? "",
      message: task === undefined ? "there was no VM any more" : "VM powered off and destroyed",
    });
  }
}

/** Deletion has come to its last moment (D3: grace 0) and our finalizer still holds the object. */
function isToBeReaped(pod: Pod): boolean {
  return pod.metadata.deletionTimestamp !== undefined && hasLifecycleFinalizer(pod) && (pod.metadata.deletionGracePeriodSeconds ?? 0) === 0;
}

/** Nobody hears the VM's host. */
function isOutOfReach({ error }: TaskInfo): boolean {
  return error?.fault?.$case === "hostNotReachable" || error?.fault?.$case === "hostNotConnected";
}

function isOver(task: TaskInfo): boolean {
  return task.state === TaskState.SUCCESS || task.state === TaskState.ERROR;
}

function revisionOf(pod: Pod): bigint {
  return /^\d+$/.test(pod.metadata.resourceVersion) ? BigInt(pod.metadata.resourceVersion) : 0n;
}
