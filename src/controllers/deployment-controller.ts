import type { EventRecorder } from "../kubernetes/event-recorder.js";
import type { Informer } from "../kubernetes/informer.js";
import { controllerOf, isBeingDeleted, nameOf, objectKey } from "../kubernetes/object-meta.js";
import { deployments as deploymentType, replicaSets as replicaSetType } from "../kubernetes/resource-type.js";
import { isAlreadyExists, isConflict, isNotFound } from "../kubernetes/status.js";
import { WorkQueue } from "../kubernetes/work-queue.js";
import type { Deployment, ReplicaSet } from "../kubernetes/workload.js";
import { deploymentStatus, sameDeploymentStatus } from "./deployment-status.js";
import { revisionAnnotation, rolloutStep, sameTemplate, templateHash, templateHashLabel } from "./rollout.js";
import type { Controller, Surroundings } from "./surroundings.js";

const fieldManager = "kube-controller-manager";
const ownerIndex = "controller uid";
const defaultHistoryLimit = 10;

/** Turns a Deployment into ReplicaSets, one per template, and moves pods from old to new. Upstream: pkg/controller/deployment. */
export class DeploymentController implements Controller {
  readonly #around: Surroundings;
  readonly #deployments: Informer<Deployment>;
  readonly #replicaSets: Informer<ReplicaSet>;
  readonly #queue: WorkQueue;
  readonly #events: EventRecorder;

  constructor(around: Surroundings) {
    this.#around = around;
    this.#deployments = around.informers.of(deploymentType);
    this.#replicaSets = around.informers.of(replicaSetType);
    this.#replicaSets.store.addIndex(ownerIndex, (replicaSet) => [controllerOf(replicaSet)?.uid ?? ""]);
    this.#events = around.events("deployment-controller");
    this.#queue = new WorkQueue({ clock: around.monotonic, log: around.log, name: "deployment", work: (key) => this.#sync(key) });
    const enqueue = (deployment: Deployment): void => this.#queue.add(objectKey(deployment));
    const enqueueOwner = (replicaSet: ReplicaSet): void => {
      const owner = controllerOf(replicaSet);
      if (owner?.kind === "Deployment") this.#queue.add(objectKey({ name: owner.name, namespace: replicaSet.metadata.namespace ?? "" }));
    };
    this.#deployments.subscribe({ added: enqueue, updated: enqueue });
    this.#replicaSets.subscribe({ added: enqueueOwner, updated: enqueueOwner, deleted: enqueueOwner });
  }

  start(): void {
    this.#queue.start();
  }

  close(): Promise<void> {
    return this.#queue.close();
  }

  async #sync(key: string): Promise<void> {
    const deployment = this.#deployments.store.get(key);
    if (deployment === undefined || isBeingDeleted(deployment)) return;
    const owned = this.#replicaSets.store.byIndex(ownerIndex, deployment.metadata.uid).filter((each) => !isBeingDeleted(each));
    const matching = owned.filter((each) => sameTemplate(each.spec.template, deployment.spec.template)).sort(byAge);
    try {
      let newest = matching[0];
      const old = owned.filter((each) => each !== newest);
      const revision = Math.max(0, ...old.map(revisionOf)) + 1;
      if (newest === undefined && deployment.spec.paused !== true) newest = await this.#createReplicaSet(deployment, revision, old);
      if (newest !== undefined && deployment.spec.paused !== true) {
        await this.#keepRevision(deployment, newest, Math.max(revision, revisionOf(newest)));
        await this.#step(deployment, newest, old);
        await this.#forgetHistory(deployment, old, newest);
      }
      await this.#writeStatus(deployment, newest, owned);
    } catch (error) {
      // Somebody else wrote first, or the object went: the informer will tell.
      if (isConflict(error)) this.#queue.addAfter(key, 5);
      else if (!isNotFound(error)) throw error;
    }
  }

  async #createReplicaSet(deployment: Deployment, revision: number, old: readonly ReplicaSet[]): Promise<ReplicaSet | undefined> {
    const { metadata, spec } = deployment;
    const hash = templateHash(spec.template, deployment.status?.collisionCount ?? 0);
    const name = `${metadata.name}-${hash}`;
    const labels = { ...spec.template.metadata?.labels, [templateHashLabel]: hash };
    // With nothing old in the way the wanted number stands from the beginning; else the rollout grows it step by step.
    const replicas = old.every((each) => (each.spec.replicas ?? 0) === 0) && spec.strategy?.type !== "Recreate" ? (spec.replicas ?? 1) : 0;
    try {
      const created = await this.#around.client.create(
        replicaSetType,
        {
          apiVersion: "apps/v1",
          kind: "ReplicaSet",
          metadata: {
            name,
            ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
            labels,
            annotations: { [revisionAnnotation]: String(revision), "deployment.kubernetes.io/desired-replicas": String(spec.replicas ?? 1) },
            ownerReferences: [{ apiVersion: "apps/v1", kind: "Deployment", name: metadata.name, uid: metadata.uid, controller: true, blockOwnerDeletion: true }],
          },
          spec: {
            replicas,
            ...(spec.minReadySeconds === undefined ? {} : { minReadySeconds: spec.minReadySeconds }),
            selector: { ...spec.selector, matchLabels: { ...spec.selector.matchLabels, [templateHashLabel]: hash } },
            template: { ...spec.template, metadata: { ...spec.template.metadata, labels } },
          },
        },
        { fieldManager },
      );
      if (replicas > 0) this.#events.record(deployment, "Normal", "ScalingReplicaSet", `Scaled up replica set ${name} from 0 to ${replicas}`);
      return created;
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
      return await this.#around.client.get(replicaSetType, { name, namespace: metadata.namespace ?? "" }).then((found) => (controllerOf(found)?.uid === metadata.uid ? found : undefined));
    }
  }

  async #keepRevision(deployment: Deployment, newest: ReplicaSet, revision: number): Promise<void> {
    const annotation = { [revisionAnnotation]: String(revision) };
    if (revisionOf(newest) !== revision) await this.#around.client.patch(replicaSetType, nameOf(newest), { type: "merge", body: { metadata: { annotations: annotation } } }, { fieldManager });
    if (deployment.metadata.annotations?.[revisionAnnotation] !== String(revision)) {
      await this.#around.client.patch(deploymentType, nameOf(deployment), { type: "merge", body: { metadata: { annotations: annotation } } }, { fieldManager });
    }
  }

  async #step(deployment: Deployment, newest: ReplicaSet, old: readonly ReplicaSet[]): Promise<void> {
    const step = rolloutStep(deployment, newest, old);
    await this.#scale(deployment, newest, step.newReplicas);
    for (const each of old) {
      const replicas = step.oldReplicas.get(each.metadata.uid);
      if (replicas !== undefined) await this.#scale(deployment, each, replicas);
    }
  }

  async #scale(deployment: Deployment, replicaSet: ReplicaSet, replicas: number): Promise<void> {
    const before = replicaSet.spec.replicas ?? 0;
    if (before === replicas) return;
    const { resourceVersion } = replicaSet.metadata;
    await this.#around.client.patch(replicaSetType, nameOf(replicaSet), { type: "merge", body: { metadata: { resourceVersion }, spec: { replicas } } }, { fieldManager });
    this.#events.record(deployment, "Normal", "ScalingReplicaSet", `Scaled ${replicas > before ? "up" : "down"} replica set ${replicaSet.metadata.name} from ${before} to ${replicas}`);
  }

  async #forgetHistory(deployment: Deployment, old: readonly ReplicaSet[], newest: ReplicaSet): Promise<void> {
    const limit = deployment.spec.revisionHistoryLimit ?? defaultHistoryLimit;
    const empty = old.filter((each) => (each.spec.replicas ?? 0) === 0 && (each.status?.replicas ?? 0) === 0 && each !== newest);
    const surplus = empty.sort((a, b) => revisionOf(a) - revisionOf(b)).slice(0, Math.max(0, empty.length - limit));
    for (const each of surplus) await this.#around.client.delete(replicaSetType, nameOf(each), { preconditions: { uid: each.metadata.uid } });
  }

  async #writeStatus(deployment: Deployment, newest: ReplicaSet | undefined, owned: readonly ReplicaSet[]): Promise<void> {
    const { status, nextCheckMs } = deploymentStatus(deployment, newest, newest === undefined || owned.includes(newest) ? owned : [...owned, newest], this.#around.clock.nowMs());
    if (nextCheckMs !== undefined) this.#queue.addAfter(objectKey(deployment), nextCheckMs);
    if (sameDeploymentStatus(deployment.status, status)) return;
    const body = { metadata: { uid: deployment.metadata.uid }, status };
    await this.#around.client.patch(deploymentType, nameOf(deployment), { type: "merge", body }, { subresource: "status", fieldManager });
  }
}

function byAge(a: ReplicaSet, b: ReplicaSet): number {
  return Date.parse(a.metadata.creationTimestamp) - Date.parse(b.metadata.creationTimestamp) || (a.metadata.name < b.metadata.name ? -1 : 1);
}

function revisionOf(replicaSet: ReplicaSet): number {
  return Number(replicaSet.metadata.annotations?.[revisionAnnotation] ?? 0);
}
