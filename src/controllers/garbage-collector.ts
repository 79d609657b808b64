import { isBeingDeleted, nameOf, objectKey, type KubernetesObject, type ObjectName, type OwnerReference } from "../kubernetes/object-meta.js";
import type { ResourceType } from "../kubernetes/resource-type.js";
import { apiVersionOf, deployments, images, leases, namespaces, nodes, pods, replicaSets } from "../kubernetes/resource-type.js";
import { isConflict, isNotFound } from "../kubernetes/status.js";
import { WorkQueue } from "../kubernetes/work-queue.js";
import type { Controller, ControllerContext } from "./controller.js";

const FOREGROUND = "foregroundDeletion";
const ORPHAN = "orphan";
const BY_OWNER = "ownerUid";
/** Kinds whose owner references are followed, and that may be owners. */
const dependentTypes = [replicaSets, pods, leases, images] as const;
const ownerTypes = [deployments, replicaSets, pods, nodes, namespaces] as const;

type Type = ResourceType<KubernetesObject>;

/**
 * Deletes what nobody owns any more: dependents of a deleted owner (background), dependents before their owner
 * (foreground), or cuts them loose (orphan). An owner is believed gone only when the API server itself says so; an owner of
 * a kind not listed here is taken to exist.
 */
export class GarbageCollector implements Controller {
  readonly #context: ControllerContext;
  readonly #queue: WorkQueue;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#queue = new WorkQueue({ clock: context.monotonic, log: context.log, name: "garbage-collector", workers: 10, work: (key) => this.#work(key) });
    for (const type of dependentTypes) {
      const informer = context.informers.of<KubernetesObject>(type);
      informer.store.addIndex(BY_OWNER, (object) => (object.metadata.ownerReferences ?? []).map(({ uid }) => uid));
      informer.subscribe({
        added: (object) => this.#dependentSeen(type, object),
        updated: (object, previous) => {
          if (object.metadata.ownerReferences?.length !== previous.metadata.ownerReferences?.length) this.#dependentSeen(type, object);
        },
        deleted: (object) => this.#dependentGone(object),
      });
    }
    for (const type of ownerTypes) {
      context.informers.of<KubernetesObject>(type).subscribe({
        added: (object) => this.#ownerSeen(type, object),
        updated: (object) => this.#ownerSeen(type, object),
        deleted: (object) => this.#dependentsOf(object.metadata.uid, (dependentType, dependent) => this.#queue.add(keyOf("dependent", dependentType, dependent))),
      });
    }
  }

  start(): void {
    this.#queue.start();
  }

  close(): Promise<void> {
    return this.#queue.close();
  }

  #dependentsOf(uid: string, tell: (type: Type, object: KubernetesObject) => void): void {
    for (const type of dependentTypes) for (const object of this.#context.informers.of<KubernetesObject>(type).store.byIndex(BY_OWNER, uid)) tell(type, object);
  }

  /** Worth a look when an owner is not in sight: it may have gone before the dependent came. */
  #dependentSeen(type: Type, object: KubernetesObject): void {
    const isOrphan = (object.metadata.ownerReferences ?? []).some((owner) => {
      const ownerType = typeOf(owner);
      return ownerType !== undefined && this.#stored(ownerType, owner, object)?.metadata.uid !== owner.uid;
    });
    if (isOrphan) this.#queue.add(keyOf("dependent", type, object));
  }

  #dependentGone(object: KubernetesObject): void {
    for (const owner of object.metadata.ownerReferences ?? []) {
      const type = typeOf(owner);
      const there = type === undefined ? undefined : this.#stored(type, owner, object);
      if (there !== undefined && type !== undefined) this.#ownerSeen(type, there);
    }
  }

  #ownerSeen(type: Type, object: KubernetesObject): void {
    const finalizers = object.metadata.finalizers ?? [];
    if (isBeingDeleted(object) && (finalizers.includes(FOREGROUND) || finalizers.includes(ORPHAN))) this.#queue.add(keyOf("owner", type, object));
  }

  #stored(type: Type, owner: OwnerReference, dependent: KubernetesObject): KubernetesObject | undefined {
    return this.#context.informers.of(type).store.get(objectKey(ownerName(type, owner, dependent)));
  }

  #work(key: string): Promise<void> {
    const [role, plural, name] = key.split("|");
    const type = [...dependentTypes, ...ownerTypes].find((candidate) => candidate.plural === plural)!;
    const object = this.#context.informers.of<KubernetesObject>(type).store.get(name!);
    if (object === undefined) return Promise.resolve();
    return role === "owner" ? this.#endOwner(type, object) : this.#judgeDependent(type, object);
  }

  async #judgeDependent(type: Type, object: KubernetesObject): Promise<void> {
    const { client } = this.#context;
    const owners = object.metadata.ownerReferences ?? [];
    if (isBeingDeleted(object) || owners.length === 0) return;
    const gone = new Set<string>();
    let foreground = false;
    for (const owner of owners) {
      const ownerType = typeOf(owner);
      if (ownerType === undefined) continue;
      const there = await client.get(ownerType, ownerName(ownerType, owner, object)).catch((error: unknown) => {
        if (isNotFound(error)) return undefined;
        throw error;
      });
      if (there?.metadata.uid !== owner.uid) gone.add(owner.uid);
      else if (isBeingDeleted(there) && (there.metadata.finalizers ?? []).includes(FOREGROUND)) {
        gone.add(owner.uid);
        foreground = true;
      }
    }
    if (gone.size === 0) return;
    const { uid, resourceVersion } = object.metadata;
    try {
      if (gone.size < owners.length) {
        // Somebody still owns it: only the dead references go.
        const body = { metadata: { uid, resourceVersion, ownerReferences: owners.filter((owner) => !gone.has(owner.uid)) } };
        await client.patch(type, nameOf(object), { type: "merge", body });
        return;
      }
      const hasDependents = dependentTypes.some((dependentType) => this.#context.informers.of<KubernetesObject>(dependentType).store.byIndex(BY_OWNER, uid).length > 0);
      await client.delete(type, nameOf(object), { preconditions: { uid, resourceVersion }, propagationPolicy: foreground && hasDependents ? "Foreground" : "Background" });
    } catch (error) {
      if (isNotFound(error)) return;
      // The object changed since: look again, at the newer one.
      throw error;
    }
  }

  async #endOwner(type: Type, owner: KubernetesObject): Promise<void> {
    const { client } = this.#context;
    const finalizers = owner.metadata.finalizers ?? [];
    const dependents: [Type, KubernetesObject][] = [];
    this.#dependentsOf(owner.metadata.uid, (dependentType, dependent) => void dependents.push([dependentType, dependent]));
    const isOrphaning = finalizers.includes(ORPHAN);
    for (const [dependentType, dependent] of dependents) {
      if (!isOrphaning) {
        await this.#judgeDependent(dependentType, dependent);
        continue;
      }
      const { uid, resourceVersion } = dependent.metadata;
      const ownerReferences = (dependent.metadata.ownerReferences ?? []).filter((reference) => reference.uid !== owner.metadata.uid);
      await client.patch(dependentType, nameOf(dependent), { type: "merge", body: { metadata: { uid, resourceVersion, ownerReferences } } }).catch((error: unknown) => {
        if (!isNotFound(error)) throw error;
      });
    }
    const isBlocked = !isOrphaning && dependents.some(([, dependent]) => dependent.metadata.ownerReferences?.some((reference) => reference.uid === owner.metadata.uid && reference.blockOwnerDeletion === true) === true);
    if (isBlocked) return;
    const body = { metadata: { uid: owner.metadata.uid, resourceVersion: owner.metadata.resourceVersion, finalizers: finalizers.filter((finalizer) => finalizer !== (isOrphaning ? ORPHAN : FOREGROUND)) } };
    await client.patch(type, nameOf(owner), { type: "merge", body }).catch((error: unknown) => {
      if (!isNotFound(error) && !isConflict(error)) throw error;
    });
  }
}

function keyOf(role: "dependent" | "owner", type: Type, object: KubernetesObject): string {
  return `${role}|${type.plural}|${objectKey(object)}`;
}

function typeOf(owner: OwnerReference): Type | undefined {
  return ownerTypes.find((type) => type.kind === owner.kind && apiVersionOf(type) === owner.apiVersion);
}

/** An owner lives in its dependent's namespace, or in none. */
function ownerName(type: Type, owner: OwnerReference, dependent: KubernetesObject): ObjectName {
  const { namespace } = dependent.metadata;
  return type.namespaced && namespace !== undefined ? { namespace, name: owner.name } : { name: owner.name };
}
