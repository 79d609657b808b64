import { withCondition } from "../kubernetes/condition.js";
import type { EventRecorder } from "../kubernetes/event-recorder.js";
import { matchesRequirements, requirementsOf } from "../kubernetes/label-selector.js";
import { controllerOf, isBeingDeleted, nameOf, objectKey, type Draft } from "../kubernetes/object-meta.js";
import { isPodActive, isPodReady, type Pod } from "../kubernetes/pod.js";
import { pods, replicaSets } from "../kubernetes/resource-type.js";
import { isConflict, isNamespaceTerminating, isNotFound } from "../kubernetes/status.js";
import { formatTime } from "../kubernetes/timestamp.js";
import { WorkQueue } from "../kubernetes/work-queue.js";
import type { ReplicaSet, ReplicaSetStatus } from "../kubernetes/workload.js";
import type { Controller, ControllerContext } from "./controller.js";
import { recorderFor } from "./controller.js";
import { Expectations } from "./expectations.js";
import { claim, controllerReference } from "./ownership.js";
import { availability, byDeletionOrder } from "./pod-availability.js";

/** Most pods created or deleted in one look. */
const BURST_REPLICAS = 500;
const BY_OWNER = "replicaSet";

/** Keeps as many pods alive as each ReplicaSet asks for (step 1 of the pods of a Deployment). */
export class ReplicaSetController implements Controller {
  readonly #context: ControllerContext;
  readonly #queue: WorkQueue;
  readonly #expectations: Expectations;
  readonly #recorder: EventRecorder;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#expectations = new Expectations(context.monotonic);
    this.#recorder = recorderFor(context, "replicaset-controller");
    this.#queue = new WorkQueue({ clock: context.monotonic, log: context.log, name: "replicaset", workers: 5, work: (key) => this.#sync(key) });
    const replicaSetInformer = context.informers.of(replicaSets);
    replicaSetInformer.subscribe({
      added: (replicaSet) => this.#queue.add(objectKey(replicaSet)),
      updated: (replicaSet) => this.#queue.add(objectKey(replicaSet)),
      deleted: (replicaSet) => {
        this.#expectations.forget(replicaSet.metadata.uid);
        this.#queue.add(objectKey(replicaSet));
      },
    });
    const podInformer = context.informers.of(pods);
    podInformer.store.addIndex(BY_OWNER, (pod) => [controllerOf(pod)?.uid ?? ""]);
    podInformer.subscribe({
      added: (pod) => {
        this.#expectations.created(controllerOf(pod)?.uid ?? "");
        this.#podChanged(pod);
      },
      updated: (pod, previous) => {
        if (isBeingDeleted(pod)) this.#expectations.deleted(controllerOf(pod)?.uid ?? "", pod.metadata.uid);
        this.#podChanged(pod);
        if (controllerOf(pod)?.uid !== controllerOf(previous)?.uid) this.#podChanged(previous);
      },
      deleted: (pod) => {
        this.#expectations.deleted(controllerOf(pod)?.uid ?? "", pod.metadata.uid);
        this.#podChanged(pod);
      },
    });
  }

  start(): void {
    this.#queue.start();
  }

  async close(): Promise<void> {
    await this.#queue.close();
    await this.#recorder.close();
  }

  #podChanged(pod: Pod): void {
    const { namespace } = pod.metadata;
    const owner = controllerOf(pod);
    if (owner !== undefined) {
      if (owner.kind === "ReplicaSet") this.#queue.add(objectKey({ ...(namespace === undefined ? {} : { namespace }), name: owner.name }));
      return;
    }
    // An orphan may be adopted.
    for (const replicaSet of this.#context.informers.of(replicaSets).store.byIndex("namespace", namespace ?? "")) {
      if (matchesRequirements(requirementsOf(replicaSet.spec.selector), pod.metadata.labels)) this.#queue.add(objectKey(replicaSet));
    }
  }

  async #sync(key: string): Promise<void> {
    const { client, clock, informers } = this.#context;
    const replicaSet = informers.of(replicaSets).store.get(key);
    if (replicaSet === undefined) return;
    const isSettled = this.#expectations.isMet(replicaSet.metadata.uid);
    const { store } = informers.of(pods);
    const mine = store.byIndex(BY_OWNER, replicaSet.metadata.uid);
    const orphans = store.byIndex(BY_OWNER, "").filter((pod) => pod.metadata.namespace === replicaSet.metadata.namespace);
    const claimed = await claim({
      client,
      type: pods,
      owner: replicaSet,
      reference: controllerReference(replicaSet, "apps/v1", "ReplicaSet"),
      selector: requirementsOf(replicaSet.spec.selector),
      candidates: [...mine, ...orphans].filter(isPodActive),
    });
    let failure: Error | undefined;
    if (isSettled && !isBeingDeleted(replicaSet)) {
      failure = await this.#manage(replicaSet, claimed).then(
        () => undefined,
        (error: unknown) => (error instanceof Error ? error : new Error(String(error))),
      );
    }
    await this.#writeStatus(replicaSet, claimed, failure);
    if (failure !== undefined) throw failure;
    const minReadySeconds = replicaSet.spec.minReadySeconds ?? 0;
    const waits = claimed.flatMap((pod) => availability(pod, minReadySeconds, clock.nowMs()).waitMs ?? []);
    if (waits.length > 0) this.#queue.addAfter(key, Math.min(...waits));
  }

  async #manage(replicaSet: ReplicaSet, active: readonly Pod[]): Promise<void> {
    const difference = active.length - (replicaSet.spec.replicas ?? 1);
    if (difference < 0) await this.#createPods(replicaSet, Math.min(-difference, BURST_REPLICAS));
    else if (difference > 0) await this.#deletePods(replicaSet, active.toSorted(byDeletionOrder).slice(0, Math.min(difference, BURST_REPLICAS)));
  }

  /** In waves of 1, 2, 4 ..., so that a quota or a broken template costs few refusals. */
  async #createPods(replicaSet: ReplicaSet, count: number): Promise<void> {
    const { uid } = replicaSet.metadata;
    this.#expectations.expectCreations(uid, count);
    let left = count;
    for (let wave = 1; left > 0; wave *= 2) {
      const size = Math.min(wave, left);
      const results = await Promise.allSettled(Array.from({ length: size }, () => this.#createPod(replicaSet)));
      left -= size;
      const failed = results.filter((result) => result.status === "rejected");
      if (failed.length === 0) continue;
      for (let i = 0; i < failed.length + left; i += 1) this.#expectations.created(uid);
      const error: unknown = failed[0]!.reason;
      if (isNamespaceTerminating(error)) return;
      throw error;
    }
  }

  async #createPod(replicaSet: ReplicaSet): Promise<void> {
    const { template } = replicaSet.spec;
    const { namespace, name } = replicaSet.metadata;
    const { labels, annotations, finalizers } = template.metadata ?? {};
    const draft: Draft<Pod> = {
      metadata: {
        generateName: `${name}-`,
        ownerReferences: [controllerReference(replicaSet, "apps/v1", "ReplicaSet")],
        ...(namespace === undefined ? {} : { namespace }),
        ...(labels === undefined ? {} : { labels }),
        ...(annotations === undefined ? {} : { annotations }),
        ...(finalizers === undefined ? {} : { finalizers }),
      },
      spec: template.spec,
    };
    const reference = { apiVersion: "apps/v1", kind: "ReplicaSet" };
    try {
      const pod = await this.#context.client.create(pods, draft, { fieldManager: "kube-controller-manager" });
      this.#recorder.record(replicaSet, "Normal", "SuccessfulCreate", `Created pod: ${pod.metadata.name}`, reference);
    } catch (error) {
      if (!isNamespaceTerminating(error)) this.#recorder.record(replicaSet, "Warning", "FailedCreate", `Error creating: ${error instanceof Error ? error.message : String(error)}`, reference);
      throw error;
    }
  }

  async #deletePods(replicaSet: ReplicaSet, doomed: readonly Pod[]): Promise<void> {
    const { uid: owner } = replicaSet.metadata;
    this.#expectations.expectDeletions(owner, doomed.map((pod) => pod.metadata.uid));
    const results = await Promise.allSettled(
      doomed.map(async (pod) => {
        const { name, uid } = pod.metadata;
        try {
          await this.#context.client.delete(pods, nameOf(pod), { preconditions: { uid } });
          this.#recorder.record(replicaSet, "Normal", "SuccessfulDelete", `Deleted pod: ${name}`, { apiVersion: "apps/v1", kind: "ReplicaSet" });
        } catch (error) {
          this.#expectations.deleted(owner, uid);
          if (!isNotFound(error) && !isConflict(error)) throw error;
        }
      }),
    );
    const failed = results.find((result) => result.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  }

  async #writeStatus(replicaSet: ReplicaSet, active: readonly Pod[], failure: Error | undefined): Promise<void> {
    const { clock, client } = this.#context;
    const nowMs = clock.nowMs();
    const templateLabels = requirementsOf({ matchLabels: replicaSet.spec.template.metadata?.labels ?? {} });
    const old = replicaSet.status;
    const conditions =
      failure === undefined
        ? (old?.conditions ?? []).filter(({ type }) => type !== "ReplicaFailure")
        : withCondition(old?.conditions, { type: "ReplicaFailure", status: "True", reason: "FailedCreate", message: failure.message, lastTransitionTime: formatTime(nowMs) });
    const status: ReplicaSetStatus = {
      replicas: active.length,
      fullyLabeledReplicas: active.filter((pod) => matchesRequirements(templateLabels, pod.metadata.labels)).length,
      readyReplicas: active.filter(isPodReady).length,
      availableReplicas: active.filter((pod) => availability(pod, replicaSet.spec.minReadySeconds ?? 0, nowMs).isAvailable).length,
      observedGeneration: replicaSet.metadata.generation ?? 0,
      ...(conditions.length === 0 ? {} : { conditions }),
    };
    const figures = ["replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas", "observedGeneration"] as const;
    if (figures.every((figure) => (old?.[figure] ?? 0) === status[figure]) && JSON.stringify(old?.conditions ?? []) === JSON.stringify(conditions) && old !== undefined) return;
    try {
      await client.update(replicaSets, { ...replicaSet, status }, { subresource: "status", fieldManager: "kube-controller-manager" });
    } catch (error) {
      // Someone wrote meanwhile: the watch brings the newer object, and with it the next look.
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
  }
}
