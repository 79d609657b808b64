import type { Clock } from "../../base/clock.js";
import type { TaskInfo } from "../../gen/spheresim/vim/v1/task.js";
import type { ApiClient } from "../../kubernetes/api-client.js";
import type { EventRecorder } from "../../kubernetes/event-recorder.js";
import { nameOf } from "../../kubernetes/object-meta.js";
import type { PodSteps } from "../../kubernetes/pod-steps.js";
import type { Pod } from "../../kubernetes/pod.js";
import { pathOf, pods as podType } from "../../kubernetes/resource-type.js";
import { isConflict, isNotFound } from "../../kubernetes/status.js";
import { isReadyForVm, lifecycleFinalizer, podVmAnnotations } from "../../kubernetes/vsphere-pod.js";
import type { Vcenter } from "./vcenter.js";

export interface VmCommitOptions {
  readonly client: ApiClient;
  readonly vcenter: Pick<Vcenter, "instanceUuid">;
  readonly events: Pick<EventRecorder, "record">;
  readonly steps: PodSteps;
  /** Emulated. */
  readonly clock: Clock;
}

/** Name under which a Supervisor's extension writes. */
const FIELD_MANAGER = "scheduler-extender";
const POD = { apiVersion: "v1", kind: "Pod" } as const;

/** `waiting`: something is still missing on the pod. `unwanted`: this pod is gone, and its VM with it. */
export type CommitOutcome = "stored" | "waiting" | "unwanted";

/** Step 10, the commit point: from the moment the pod carries the VM's id the VM is the pod's. */
export class VmCommit {
  readonly #options: VmCommitOptions;
  #instanceUuid: string | undefined;

  constructor(options: VmCommitOptions) {
    this.#options = options;
  }

  /** Writes VM id and finalizer on the pod, once binding, image references and network are stored there. */
  async write(pod: Pod, node: string, task: TaskInfo): Promise<CommitOutcome> {
    const { client, vcenter, steps, clock } = this.#options;
    if (pod.spec.nodeName !== node || !isReadyForVm(pod)) return "waiting";
    const { uid } = pod.metadata;
    const startMs = clock.nowMs();
    this.#instanceUuid ??= await vcenter.instanceUuid();
    const annotations = {
      [podVmAnnotations.vmUuid]: task.vmUuid,
      [podVmAnnotations.vmMoid]: `${task.result?.value ?? task.entity?.value ?? ""}:${this.#instanceUuid}`,
      [podVmAnnotations.ephemeralDiskUuid]: task.ephemeralDiskUuid,
    };
    let stored: Pod;
    try {
      // A strategic patch adds to the list of finalizers; the uid makes a re-created pod of this name answer 409.
      const body = { metadata: { uid, annotations, finalizers: [lifecycleFinalizer] } };
      stored = await client.patch(podType, nameOf(pod), { type: "strategic", body }, { fieldManager: FIELD_MANAGER });
    } catch (error) {
      if (isNotFound(error)) return "unwanted";
      // Another pod of that name, or only much writing at the same time.
      if (isConflict(error) && !(await this.#isStillThere(pod))) return "unwanted";
      throw error;
    }
    steps.record({
      pod,
      step: 10,
      peer: "apiserver",
      wire: `PATCH ${pathOf(podType, nameOf(pod))}`,
      startMs,
      subject: pod.metadata.name,
      message: `${podVmAnnotations.vmUuid}=${task.vmUuid}`,
      etcdRevision: /^\d+$/.test(stored.metadata.resourceVersion) ? BigInt(stored.metadata.resourceVersion) : 0n,
    });
    return "stored";
  }

  async #isStillThere(pod: Pod): Promise<boolean> {
    try {
      const stored = await this.#options.client.get(podType, nameOf(pod));
      return stored.metadata.uid === pod.metadata.uid && stored.metadata.deletionTimestamp === undefined;
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
  }

  /** Says that the VM could not be made on the pod's node and that it is tried again. */
  tellRetry(pod: Pod, node: string, why: string): void {
    this.#options.events.record(pod, "Warning", "FailedCreatePodVM", `VM was not made on ${node}, trying again: ${why}`, POD);
  }

  /** No VM will ever be made for this pod on its node: the pod fails, as a Supervisor says it. */
  giveUp(pod: Pod, why: string): void {
    const { client, events } = this.#options;
    events.record(pod, "Warning", "ProviderFailed", why, POD);
    const body = { metadata: { uid: pod.metadata.uid }, status: { phase: "Failed", reason: "ProviderFailed", message: why } };
    client
      .patch(podType, nameOf(pod), { type: "merge", body }, { fieldManager: FIELD_MANAGER, subresource: "status" })
      // Whatever went wrong: the caller comes back while the pod is not seen Failed.
      .catch(() => undefined);
  }
}
