import { findCondition } from "../kubernetes/condition.js";
import type { EventRecorder } from "../kubernetes/event-recorder.js";
import { matchesRequirements, requirementsOf } from "../kubernetes/label-selector.js";
import { controllerOf, isBeingDeleted, isControlledBy, nameOf, objectKey, type Draft } from "../kubernetes/object-meta.js";
import { isTerminal } from "../kubernetes/pod.js";
import { deployments, pods, replicaSets } from "../kubernetes/resource-type.js";
import { isAlreadyExists, isConflict, isNotFound } from "../kubernetes/status.js";
import { WorkQueue } from "../kubernetes/work-queue.js";
import type { Deployment, ReplicaSet } from "../kubernetes/workload.js";
import type { Controller, ControllerContext } from "./controller.js";
import { recorderFor } from "./controller.js";
import { deploymentFigures, deploymentStatus, isComplete, progressing } from "./deployment-status.js";
import { claim, controllerReference } from "./ownership.js";
import { isSameTemplate, POD_TEMPLATE_HASH, podTemplateHash } from "./pod-template-hash.js";
import { annotationKeys, annotationsFor, revisionOf, sizeAnnotations } from "./revision.js";
import { byAge, newReplicaSetSize, oldReplicaSetScalings, proportionalScalings, replicasOf, type Scaling, wantedReplicas } from "./rolling-update.js";

const OWNER_KIND = { apiVersion: "apps/v1", kind: "Deployment" };
const DEFAULT_HISTORY = 10;
const WRITER = { fieldManager: "kube-controller-manager" };

/** Moves each Deployment's pods to its newest template, by ReplicaSets named after the template's hash. */
export class DeploymentController implements Controller {
  readonly #context: ControllerContext;
  readonly #queue: WorkQueue;
  readonly #recorder: EventRecorder;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#recorder = recorderFor(context, "deployment-controller");
    this.#queue = new WorkQueue({ clock: context.monotonic, log: context.log, name: "deployment", workers: 5, work: (key) => this.#sync(key) });
    const enqueue = (deployment: Deployment): void => this.#queue.add(objectKey(deployment));
    context.informers.of(deployments).subscribe({ added: enqueue, updated: enqueue, deleted: enqueue });
    const owner = (replicaSet: ReplicaSet): void => this.#replicaSetChanged(replicaSet);
    context.informers.of(replicaSets).subscribe({ added: owner, updated: owner, deleted: owner });
    // Recreate waits for the last old pod to go.
    context.informers.of(pods).subscribe({
      deleted: (pod) => {
        const replicaSet = context.informers.of(replicaSets).store.get(objectKey({ ...nameOf(pod), name: controllerOf(pod)?.name ?? "" }));
        if (replicaSet !== undefined) owner(replicaSet);
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

  #replicaSetChanged(replicaSet: ReplicaSet): void {
    const owner = controllerOf(replicaSet);
    if (owner !== undefined) {
      if (owner.kind === "Deployment") this.#queue.add(objectKey({ ...nameOf(replicaSet), name: owner.name }));
      return;
    }
    for (const deployment of this.#context.informers.of(deployments).store.byIndex("namespace", replicaSet.metadata.namespace ?? "")) {
      if (matchesRequirements(requirementsOf(deployment.spec.selector), replicaSet.metadata.labels)) this.#queue.add(objectKey(deployment));
    }
  }

  async #sync(key: string): Promise<void> {
    const { client, informers } = this.#context;
    const deployment = informers.of(deployments).store.get(key);
    if (deployment === undefined) return;
    const all = await claim({
      client,
      type: replicaSets,
      owner: deployment,
      reference: controllerReference(deployment, "apps/v1", "Deployment"),
      selector: requirementsOf(deployment.spec.selector),
      candidates: informers.of(replicaSets).store.byIndex("namespace", deployment.metadata.namespace ?? ""),
    });
    const current = all.toSorted(byAge).find((replicaSet) => isSameTemplate(replicaSet.spec.template, deployment.spec.template));
    const old = all.filter((replicaSet) => replicaSet !== current);
    try {
      if (isBeingDeleted(deployment)) return await this.#writeStatus(key, deployment, all, current);
      if (await this.#pauseChanged(deployment)) return;
      if (deployment.spec.paused === true || this.#wasResized(deployment, all)) return await this.#resize(key, deployment, current, old);
      if (deployment.spec.strategy?.type === "Recreate") return await this.#recreate(key, deployment, current, old);
      await this.#roll(key, deployment, current, old);
    } catch (error) {
      // Somebody wrote one of the objects meanwhile: the watch brings the newer one, and with it the next look.
      if (!isConflict(error)) throw error;
    }
  }

  /** A changed `spec.replicas` shows at ReplicaSets scaled for another number. */
  #wasResized(deployment: Deployment, all: readonly ReplicaSet[]): boolean {
    return all.some((replicaSet) => {
      const desired = replicaSet.metadata.annotations?.[annotationKeys.desiredReplicas];
      return replicasOf(replicaSet) > 0 && desired !== undefined && desired !== String(wantedReplicas(deployment.spec));
    });
  }

  async #resize(key: string, deployment: Deployment, current: ReplicaSet | undefined, old: readonly ReplicaSet[]): Promise<void> {
    const all = current === undefined ? [...old] : [...old, current];
    const active = all.filter((replicaSet) => replicasOf(replicaSet) > 0);
    const wanted = wantedReplicas(deployment.spec);
    const only = active.length === 1 ? active[0]! : active.length === 0 ? current : undefined;
    let scalings: readonly Scaling[];
    if (only !== undefined) scalings = [{ replicaSet: only, replicas: wanted }];
    else if (current !== undefined && deploymentFigures(deployment, all, current).updatedReplicas === wanted && (current.status?.availableReplicas ?? 0) === wanted && replicasOf(current) === wanted) {
      // The rollout is as good as done: old ones only need to go.
      scalings = old.filter((replicaSet) => replicasOf(replicaSet) > 0).map((replicaSet) => ({ replicaSet, replicas: 0 }));
    } else scalings = deployment.spec.strategy?.type === "Recreate" ? [] : proportionalScalings(deployment, active);
    const changed = new Map<ReplicaSet, ReplicaSet>();
    for (const replicaSet of active.length === 0 && only !== undefined ? [only] : active) {
      const replicas = scalings.find((scaling) => scaling.replicaSet === replicaSet)?.replicas ?? replicasOf(replicaSet);
      changed.set(replicaSet, await this.#scale(deployment, replicaSet, replicas));
    }
    const latest = (replicaSet: ReplicaSet): ReplicaSet => changed.get(replicaSet) ?? replicaSet;
    await this.#writeStatus(key, deployment, all.map(latest), current === undefined ? undefined : latest(current));
  }

  async #roll(key: string, deployment: Deployment, found: ReplicaSet | undefined, old: readonly ReplicaSet[]): Promise<void> {
    const made = await this.#currentReplicaSet(deployment, found, old);
    let current = made.replicaSet;
    const size = newReplicaSetSize(made.deployment, [...old, current], current);
    if (size !== replicasOf(current)) {
      current = await this.#scale(deployment, current, size);
      return this.#writeStatus(key, made.deployment, [...old, current], current);
    }
    const scaled = new Map<ReplicaSet, ReplicaSet>();
    for (const { replicaSet, replicas } of oldReplicaSetScalings(deployment, old, current)) scaled.set(replicaSet, await this.#scale(deployment, replicaSet, replicas));
    await this.#finish(key, made.deployment, current, old.map((replicaSet) => scaled.get(replicaSet) ?? replicaSet));
  }

  /** All old pods go before the first new one comes. */
  async #recreate(key: string, deployment: Deployment, found: ReplicaSet | undefined, old: readonly ReplicaSet[]): Promise<void> {
    const shrinking = old.filter((replicaSet) => replicasOf(replicaSet) > 0);
    if (shrinking.length > 0) {
      const gone = new Map<ReplicaSet, ReplicaSet>();
      for (const replicaSet of shrinking) gone.set(replicaSet, await this.#scale(deployment, replicaSet, 0));
      const all = old.map((replicaSet) => gone.get(replicaSet) ?? replicaSet);
      return this.#writeStatus(key, deployment, found === undefined ? all : [...all, found], found);
    }
    const isOldPodLeft = this.#context.informers
      .of(pods)
      .store.byIndex("namespace", deployment.metadata.namespace ?? "")
      .some((pod) => !isTerminal(pod) && old.some((replicaSet) => isControlledBy(pod, replicaSet)));
    if (isOldPodLeft) return this.#writeStatus(key, deployment, found === undefined ? old : [...old, found], found);
    const made = await this.#currentReplicaSet(deployment, found, old);
    const current = await this.#scale(deployment, made.replicaSet, wantedReplicas(deployment.spec));
    await this.#finish(key, made.deployment, current, old);
  }

  async #finish(key: string, deployment: Deployment, current: ReplicaSet, old: readonly ReplicaSet[]): Promise<void> {
    const all = [...old, current];
    await this.#writeStatus(key, deployment, all, current);
    if (isComplete(deployment, deploymentFigures(deployment, all, current))) await this.#forgetHistory(deployment, old);
  }

  /** The ReplicaSet of the newest template: found, given the newest revision, or made with no pods yet. */
  async #currentReplicaSet(deployment: Deployment, found: ReplicaSet | undefined, old: readonly ReplicaSet[]): Promise<{ readonly replicaSet: ReplicaSet; readonly deployment: Deployment }> {
    const { client } = this.#context;
    const revision = Math.max(0, ...old.map(revisionOf)) + 1;
    if (found !== undefined) {
      const annotations = annotationsFor(deployment, found, revision);
      const minReadySeconds = deployment.spec.minReadySeconds ?? 0;
      const isSame = Object.entries(annotations).every(([name, value]) => found.metadata.annotations?.[name] === value) && (found.spec.minReadySeconds ?? 0) === minReadySeconds;
      const body = { metadata: { annotations, resourceVersion: found.metadata.resourceVersion }, spec: { minReadySeconds } };
      const replicaSet = isSame ? found : await client.patch(replicaSets, nameOf(found), { type: "merge", body }, WRITER);
      const wasSeen = findCondition(deployment.status?.conditions, "Progressing") !== undefined;
      const noted = wasSeen ? deployment : this.#progressed(deployment, "FoundNewReplicaSet", `Found new replica set "${found.metadata.name}"`);
      return { replicaSet, deployment: await this.#setRevision(noted, revisionOf(replicaSet)) };
    }
    const replicaSet = await this.#create(deployment, revision);
    const noted = this.#progressed(deployment, "NewReplicaSetCreated", `Created new replica set "${replicaSet.metadata.name}"`);
    return { replicaSet, deployment: await this.#setRevision(noted, revision) };
  }

  async #create(deployment: Deployment, revision: number): Promise<ReplicaSet> {
    const { client } = this.#context;
    const { template, selector, minReadySeconds } = deployment.spec;
    const { namespace, name } = deployment.metadata;
    for (let collisions = deployment.status?.collisionCount ?? 0; ; collisions += 1) {
      const hash = podTemplateHash(template, collisions);
      const labels = { ...template.metadata?.labels, [POD_TEMPLATE_HASH]: hash };
      const draft: Draft<ReplicaSet> = {
        metadata: {
          name: `${name}-${hash}`,
          labels,
          annotations: annotationsFor(deployment, undefined, revision),
          ownerReferences: [controllerReference(deployment, "apps/v1", "Deployment")],
          ...(namespace === undefined ? {} : { namespace }),
        },
        spec: {
          replicas: 0,
          selector: { ...selector, matchLabels: { ...selector.matchLabels, [POD_TEMPLATE_HASH]: hash } },
          template: { ...template, metadata: { ...template.metadata, labels } },
          ...(minReadySeconds === undefined ? {} : { minReadySeconds }),
        },
      };
      try {
        return await client.create(replicaSets, draft, WRITER);
      } catch (error) {
        if (!isAlreadyExists(error)) throw error;
        const there = await client.get(replicaSets, { ...(namespace === undefined ? {} : { namespace }), name: `${name}-${hash}` });
        // Ours, made in an earlier look whose watch event is still on its way; else a collision, and another hash is tried.
        if (isControlledBy(there, deployment) && isSameTemplate(there.spec.template, template)) return there;
        if (collisions > (deployment.status?.collisionCount ?? 0) + 10) throw error;
      }
    }
  }

  /** The deployment as if its Progressing condition were already written; the status writer stores it. */
  #progressed(deployment: Deployment, reason: string, message: string): Deployment {
    const conditions = progressing("True", reason, message, this.#context.clock.nowMs(), deployment.status?.conditions);
    return { ...deployment, status: { ...deployment.status, conditions } };
  }

  async #setRevision(deployment: Deployment, revision: number): Promise<Deployment> {
    if (revision === 0 || deployment.metadata.annotations?.[annotationKeys.revision] === String(revision)) return deployment;
    const body = { metadata: { uid: deployment.metadata.uid, annotations: { [annotationKeys.revision]: String(revision) } } };
    const written = await this.#context.client.patch(deployments, nameOf(deployment), { type: "merge", body }, WRITER);
    return { ...written, ...(deployment.status === undefined ? {} : { status: deployment.status }) };
  }

  /** A pause begins or ends: said in the Progressing condition, whose deadline stands still meanwhile. */
  async #pauseChanged(deployment: Deployment): Promise<boolean> {
    const reason = findCondition(deployment.status?.conditions, "Progressing")?.reason;
    const isPaused = deployment.spec.paused === true;
    if (isPaused === (reason === "DeploymentPaused") || reason === "ProgressDeadlineExceeded") return false;
    const [next, message] = isPaused ? (["DeploymentPaused", "Deployment is paused"] as const) : (["DeploymentResumed", "Deployment is resumed"] as const);
    const conditions = progressing("Unknown", next, message, this.#context.clock.nowMs(), deployment.status?.conditions);
    await this.#context.client.update(deployments, { ...deployment, status: { ...deployment.status, conditions } }, { subresource: "status", ...WRITER });
    return true;
  }

  async #scale(deployment: Deployment, replicaSet: ReplicaSet, replicas: number): Promise<ReplicaSet> {
    const before = replicasOf(replicaSet);
    const annotations = sizeAnnotations(deployment);
    const isAnnotated = Object.entries(annotations).every(([name, value]) => replicaSet.metadata.annotations?.[name] === value);
    if (before === replicas && isAnnotated) return replicaSet;
    const body = { metadata: { annotations, resourceVersion: replicaSet.metadata.resourceVersion }, spec: { replicas } };
    const scaled = await this.#context.client.patch(replicaSets, nameOf(replicaSet), { type: "merge", body }, WRITER);
    if (before !== replicas) {
      const direction = replicas > before ? "up" : "down";
      this.#recorder.record(deployment, "Normal", "ScalingReplicaSet", `Scaled ${direction} replica set ${replicaSet.metadata.name} from ${before} to ${replicas}`, OWNER_KIND);
    }
    return scaled;
  }

  async #forgetHistory(deployment: Deployment, old: readonly ReplicaSet[]): Promise<void> {
    const limit = deployment.spec.revisionHistoryLimit ?? DEFAULT_HISTORY;
    const idle = old.filter((replicaSet) => replicasOf(replicaSet) === 0 && (replicaSet.status?.replicas ?? 0) === 0 && !isBeingDeleted(replicaSet));
    for (const replicaSet of idle.toSorted((a, b) => revisionOf(a) - revisionOf(b)).slice(0, Math.max(0, idle.length - limit))) {
      try {
        await this.#context.client.delete(replicaSets, nameOf(replicaSet), { preconditions: { uid: replicaSet.metadata.uid }, propagationPolicy: "Background" });
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    }
  }

  async #writeStatus(key: string, deployment: Deployment, all: readonly ReplicaSet[], current: ReplicaSet | undefined): Promise<void> {
    const { client, clock, informers } = this.#context;
    const { status, deadlineInMs } = deploymentStatus(deployment, all, current, clock.nowMs());
    if (deadlineInMs !== undefined) this.#queue.addAfter(key, deadlineInMs);
    const stored = informers.of(deployments).store.get(key)?.status;
    if (sameStatus(stored, status)) return;
    try {
      await client.update(deployments, { ...deployment, status }, { subresource: "status", ...WRITER });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}

/** Zero and absent are the same; so are lists of conditions in another order. */
function sameStatus(a: Deployment["status"], b: Deployment["status"]): boolean {
  const text = (status: Deployment["status"]): string => {
    const { conditions, ...figures } = status ?? {};
    const sorted = Object.entries(figures)
      .filter(([, value]) => value !== 0)
      .toSorted(([left], [right]) => (left < right ? -1 : 1));
    return JSON.stringify([sorted, (conditions ?? []).toSorted((left, right) => (left.type < right.type ? -1 : 1)).map(({ type, status: state, reason, message, lastUpdateTime, lastTransitionTime }) => [type, state, reason, message, lastUpdateTime, lastTransitionTime])]);
  };
  return text(a) === text(b);
}
