import type { Informer } from "../kubernetes/informer.js";
import { controllerOf, isBeingDeleted, nameOfKey, objectKey } from "../kubernetes/object-meta.js";
import type { Pod } from "../kubernetes/pod.js";
import { pods as podType, replicaSets as replicaSetType } from "../kubernetes/resource-type.js";
import { isConflict, isNamespaceTerminating, isNotFound } from "../kubernetes/status.js";
import { matchesLabelSelector } from "../kubernetes/label-selector.js";
import { formatTime } from "../kubernetes/timestamp.js";
import { WorkQueue } from "../kubernetes/work-queue.js";
import type { ReplicaSet, ReplicaSetStatus } from "../kubernetes/workload.js";
import type { EventRecorder } from "../kubernetes/event-recorder.js";
import { type Condition, withCondition } from "../kubernetes/condition.js";
import { nameSuffix } from "./name-suffix.js";
import { Expectations } from "./expectations.js";
import { availableInMs, byDispensability, isActive, isReady } from "./pod-state.js";
import type { Controller, Surroundings } from "./surroundings.js";

const fieldManager = "kube-controller-manager";
/** Pods of one ReplicaSet made or deleted at a time (upstream's BurstReplicas). */
const burst = 500;
const ownerIndex = "controller uid";

/** Keeps as many pods as a ReplicaSet says, each made from its template. Upstream: pkg/controller/replicaset. */
export class ReplicaSetController implements Controller {
  readonly #around: Surroundings;
  readonly #replicaSets: Informer<ReplicaSet>;
  readonly #pods: Informer<Pod>;
  readonly #queue: WorkQueue;
  readonly #expectations: Expectations;
  readonly #events: EventRecorder;

  constructor(around: Surroundings) {
    this.#around = around;
    this.#replicaSets = around.informers.of(replicaSetType);
    this.#pods = around.informers.of(podType);
    this.#pods.store.addIndex(ownerIndex, (pod) => [controllerOf(pod)?.uid ?? ""]);
    this.#expectations = new Expectations(around.monotonic);
    this.#events = around.events("replicaset-controller");
    this.#queue = new WorkQueue({ clock: around.monotonic, log: around.log, name: "replicaset", work: (key) => this.#sync(key) });
    const enqueue = (replicaSet: ReplicaSet): void => this.#queue.add(objectKey(replicaSet));
    this.#replicaSets.subscribe({
      added: enqueue,
      updated: enqueue,
      deleted: (last) => {
        this.#expectations.forget(last.metadata.uid);
        enqueue(last);
      },
    });
    this.#pods.subscribe({
      added: (pod) => this.#podChanged(pod),
      updated: (pod) => this.#podChanged(pod),
      deleted: (pod) => this.#podChanged(pod, true),
    });
  }

  start(): void {
    this.#queue.start();
  }

  close(): Promise<void> {
    return this.#queue.close();
  }

  #podChanged(pod: Pod, gone = false): void {
    const owner = controllerOf(pod);
    if (owner?.kind !== "ReplicaSet") return;
    this.#expectations.creationSeen(owner.uid, pod.metadata.name);
    if (gone || isBeingDeleted(pod)) this.#expectations.deletionSeen(owner.uid, pod.metadata.uid);
    this.#queue.add(objectKey({ name: owner.name, ...(pod.metadata.namespace === undefined ? {} : { namespace: pod.metadata.namespace }) }));
  }

  async #sync(key: string): Promise<void> {
    const replicaSet = this.#replicaSets.store.get(key);
    if (replicaSet === undefined) return;
    const owned = this.#pods.store.byIndex(ownerIndex, replicaSet.metadata.uid).filter((pod) => matchesLabelSelector(replicaSet.spec.selector, pod.metadata.labels));
    const active = owned.filter(isActive);
    let failure: Error | undefined;
    if (!isBeingDeleted(replicaSet) && this.#expectations.isFulfilled(replicaSet.metadata.uid)) failure = await this.#scale(replicaSet, active);
    await this.#writeStatus(replicaSet, active, failure);
    if (failure !== undefined) throw failure;
  }

  async #scale(replicaSet: ReplicaSet, active: readonly Pod[]): Promise<Error | undefined> {
    const difference = (replicaSet.spec.replicas ?? 1) - active.length;
    const count = Math.min(Math.abs(difference), burst);
    const results =
      difference > 0
        ? await Promise.allSettled(Array.from({ length: count }, () => this.#createPod(replicaSet)))
        : await Promise.allSettled([...active].sort(byDispensability).slice(0, count).map((pod) => this.#deletePod(replicaSet, pod)));
    return results.find((result): result is PromiseRejectedResult => result.status === "rejected")?.reason as Error | undefined;
  }

  async #createPod(replicaSet: ReplicaSet): Promise<void> {
    const { metadata, spec } = replicaSet;
    // The name is chosen here, not by generateName, so that the creation can be expected before its answer.
    const name = `${metadata.name.slice(0, 57)}-${nameSuffix(this.#around.dice)}`;
    this.#expectations.expectCreation(metadata.uid, name);
    try {
      await this.#around.client.create(
        podType,
        {
          apiVersion: "v1",
          kind: "Pod",
          metadata: {
            name,
            generateName: `${metadata.name}-`,
            ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
            ...(spec.template.metadata?.labels === undefined ? {} : { labels: spec.template.metadata.labels }),
            ...(spec.template.metadata?.annotations === undefined ? {} : { annotations: spec.template.metadata.annotations }),
            ...(spec.template.metadata?.finalizers === undefined ? {} : { finalizers: spec.template.metadata.finalizers }),
            ownerReferences: [{ apiVersion: "apps/v1", kind: "ReplicaSet", name: metadata.name, uid: metadata.uid, controller: true, blockOwnerDeletion: true }],
          },
          spec: spec.template.spec,
        },
        { fieldManager },
      );
      this.#events.record(replicaSet, "Normal", "SuccessfulCreate", `Created pod: ${name}`);
    } catch (error) {
      this.#expectations.creationSeen(metadata.uid, name);
      if (isNamespaceTerminating(error)) return;
      this.#events.record(replicaSet, "Warning", "FailedCreate", `Error creating: ${(error as Error).message}`);
      throw error;
    }
  }

  async #deletePod(replicaSet: ReplicaSet, pod: Pod): Promise<void> {
    const { uid } = pod.metadata;
    this.#expectations.expectDeletion(replicaSet.metadata.uid, uid);
    try {
      await this.#around.client.delete(podType, nameOfKey(objectKey(pod)), { preconditions: { uid } });
      this.#events.record(replicaSet, "Normal", "SuccessfulDelete", `Deleted pod: ${pod.metadata.name}`);
    } catch (error) {
      this.#expectations.deletionSeen(replicaSet.metadata.uid, uid);
      if (isNotFound(error)) return;
      this.#events.record(replicaSet, "Warning", "FailedDelete", `Error deleting: ${(error as Error).message}`);
      throw error;
    }
  }

  async #writeStatus(replicaSet: ReplicaSet, active: readonly Pod[], failure: Error | undefined): Promise<void> {
    const nowMs = this.#around.clock.nowMs();
    const minReadySeconds = replicaSet.spec.minReadySeconds ?? 0;
    const waits = active.map((pod) => availableInMs(pod, minReadySeconds, nowMs));
    const templateLabels = Object.entries(replicaSet.spec.template.metadata?.labels ?? {});
    const status: ReplicaSetStatus = {
      replicas: active.length,
      fullyLabeledReplicas: active.filter((pod) => templateLabels.every(([key, value]) => pod.metadata.labels?.[key] === value)).length,
      readyReplicas: active.filter(isReady).length,
      availableReplicas: waits.filter((ms) => ms === 0).length,
      observedGeneration: replicaSet.metadata.generation ?? 1,
      conditions: conditionsOf(replicaSet, failure, formatTime(nowMs)),
    };
    const next = Math.min(...waits.filter((ms) => ms > 0 && ms !== Number.POSITIVE_INFINITY));
    if (next !== Number.POSITIVE_INFINITY) this.#queue.addAfter(objectKey(replicaSet), next);
    if (sameStatus(replicaSet.status, status)) return;
    try {
      await this.#around.client.update(replicaSetType, { ...replicaSet, status }, { subresource: "status", fieldManager });
    } catch (error) {
      // Gone, or changed meanwhile: the informer will tell, and the queue comes again.
      if (isConflict(error)) this.#queue.addAfter(objectKey(replicaSet), 5);
      else if (!isNotFound(error)) throw error;
    }
  }
}

function conditionsOf(replicaSet: ReplicaSet, failure: Error | undefined, now: string): readonly Condition[] {
  const others = (replicaSet.status?.conditions ?? []).filter((condition) => condition.type !== "ReplicaFailure");
  if (failure === undefined) return others;
  return withCondition(others, { type: "ReplicaFailure", status: "True", reason: "FailedCreate", message: failure.message, lastTransitionTime: now });
}

function sameStatus(old: ReplicaSetStatus | undefined, next: ReplicaSetStatus): boolean {
  return (
    old !== undefined &&
    old.replicas === next.replicas &&
    (old.fullyLabeledReplicas ?? 0) === next.fullyLabeledReplicas &&
    (old.readyReplicas ?? 0) === next.readyReplicas &&
    (old.availableReplicas ?? 0) === next.availableReplicas &&
    old.observedGeneration === next.observedGeneration &&
    JSON.stringify((old.conditions ?? []).map(({ type, message }) => [type, message])) === JSON.stringify((next.conditions ?? []).map(({ type, message }) => [type, message]))
  );
}
