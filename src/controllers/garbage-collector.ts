import type { Informer } from "../kubernetes/informer.js";
import { isBeingDeleted, type KubernetesObject, nameOf, objectKey, type OwnerReference } from "../kubernetes/object-meta.js";
import { deployments, pods, replicaSets, type ResourceType } from "../kubernetes/resource-type.js";
import { isConflict, isNotFound } from "../kubernetes/status.js";
import { WorkQueue } from "../kubernetes/work-queue.js";
import type { Controller, Surroundings } from "./surroundings.js";

const foreground = "foregroundDeletion";
const orphan = "orphan";
const ownersIndex = "owner uids";

/** Kinds that own or are owned here. */
const kinds: readonly ResourceType<KubernetesObject>[] = [deployments, replicaSets, pods];

interface Watched {
  readonly type: ResourceType<KubernetesObject>;
  readonly informer: Informer<KubernetesObject>;
}

/**
 * Deletes what belongs to an owner that is gone; with `foreground` the owner waits for its dependents, with `orphan` they lose their
 * reference. Upstream: pkg/controller/garbagecollector, here for Deployments, ReplicaSets and pods.
 */
export class GarbageCollector implements Controller {
  readonly #around: Surroundings;
  readonly #watched: readonly Watched[];
  readonly #queue: WorkQueue;

  constructor(around: Surroundings) {
    this.#around = around;
    this.#watched = kinds.map((type) => ({ type, informer: around.informers.of(type) }));
    this.#queue = new WorkQueue({ clock: around.monotonic, log: around.log, name: "garbage", work: (key) => this.#sync(key) });
    for (const { type, informer } of this.#watched) {
      informer.store.addIndex(ownersIndex, (object) => (object.metadata.ownerReferences ?? []).map((owner) => owner.uid));
      const enqueue = (object: KubernetesObject): void => this.#queue.add(`${type.plural} ${objectKey(object)}`);
      informer.subscribe({
        added: (object) => {
          if (needsWork(object)) enqueue(object);
        },
        updated: (object) => {
          if (needsWork(object)) enqueue(object);
        },
        deleted: (owner) => {
          for (const [dependentType, dependent] of this.#dependents(owner.metadata.uid)) this.#queue.add(`${dependentType.plural} ${objectKey(dependent)}`);
          for (const { uid } of owner.metadata.ownerReferences ?? []) this.#wakeOwner(uid);
        },
      });
    }
  }

  start(): void {
    this.#queue.start();
  }

  close(): Promise<void> {
    return this.#queue.close();
  }

  #dependents(uid: string): Array<readonly [ResourceType<KubernetesObject>, KubernetesObject]> {
    return this.#watched.flatMap(({ type, informer }) => informer.store.byIndex(ownersIndex, uid).map((object) => [type, object] as const));
  }

  /** An owner that waits in the foreground may go on when a dependent is gone. */
  #wakeOwner(uid: string): void {
    for (const { type, informer } of this.#watched) {
      for (const object of informer.store.list()) {
        if (object.metadata.uid === uid && isBeingDeleted(object)) this.#queue.add(`${type.plural} ${objectKey(object)}`);
      }
    }
  }

  async #sync(key: string): Promise<void> {
    const [plural, name] = key.split(" ", 2);
    const watched = this.#watched.find(({ type }) => type.plural === plural);
    const object = watched?.informer.store.get(name ?? "");
    if (watched === undefined || object === undefined) return;
    try {
      if (isBeingDeleted(object)) await this.#letGo(watched.type, object);
      else if (await this.#isOrphaned(object)) await this.#around.client.delete(watched.type, nameOf(object), { propagationPolicy: "Background", preconditions: { uid: object.metadata.uid } });
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
  }

  /** Works off the finalizers by which deletion waits for, or parts from, dependents. */
  async #letGo(type: ResourceType<KubernetesObject>, owner: KubernetesObject): Promise<void> {
    const finalizers = owner.metadata.finalizers ?? [];
    const dependents = this.#dependents(owner.metadata.uid);
    if (finalizers.includes(orphan)) {
      for (const [dependentType, dependent] of dependents) {
        const ownerReferences = (dependent.metadata.ownerReferences ?? []).filter(({ uid }) => uid !== owner.metadata.uid);
        await this.#around.client.patch(dependentType, nameOf(dependent), { type: "merge", body: { metadata: { resourceVersion: dependent.metadata.resourceVersion, ownerReferences } } });
      }
      await this.#removeFinalizer(type, owner, orphan);
    } else if (finalizers.includes(foreground)) {
      for (const [dependentType, dependent] of dependents) {
        if (isBeingDeleted(dependent)) continue;
        await this.#around.client.delete(dependentType, nameOf(dependent), { propagationPolicy: "Foreground", preconditions: { uid: dependent.metadata.uid } });
      }
      if (dependents.length === 0) await this.#removeFinalizer(type, owner, foreground);
    }
  }

  async #removeFinalizer(type: ResourceType<KubernetesObject>, object: KubernetesObject, finalizer: string): Promise<void> {
    const finalizers = (object.metadata.finalizers ?? []).filter((each) => each !== finalizer);
    await this.#around.client.patch(type, nameOf(object), { type: "merge", body: { metadata: { resourceVersion: object.metadata.resourceVersion, finalizers } } });
  }

  /** Whether every owner is certainly gone: not in the store, and the API server says so too. */
  async #isOrphaned(object: KubernetesObject): Promise<boolean> {
    const owners = object.metadata.ownerReferences ?? [];
    if (owners.length === 0) return false;
    for (const owner of owners) if (await this.#exists(owner, object.metadata.namespace)) return false;
    return true;
  }

  async #exists(owner: OwnerReference, namespace: string | undefined): Promise<boolean> {
    const watched = this.#watched.find(({ type }) => type.kind === owner.kind);
    if (watched === undefined) return true; // a kind nobody here knows: its dependents are not ours to delete
    const name = { name: owner.name, ...(namespace === undefined ? {} : { namespace }) };
    if (watched.informer.store.get(objectKey(name))?.metadata.uid === owner.uid) return true;
    try {
      return (await this.#around.client.get(watched.type, name)).metadata.uid === owner.uid;
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
  }
}

/** Only owned objects can be orphans (looked at when they appear), only dying ones have finalizers to work off. */
function needsWork(object: KubernetesObject): boolean {
  if (isBeingDeleted(object)) return (object.metadata.finalizers ?? []).some((finalizer) => finalizer === foreground || finalizer === orphan);
  return (object.metadata.ownerReferences ?? []).length > 0;
}
