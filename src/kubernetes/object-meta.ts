/** Metadata every Kubernetes object carries, as the API server answers it (`meta/v1 ObjectMeta`, the part spheresim uses). */
export interface ObjectMeta {
  readonly name: string;
  readonly generateName?: string;
  /** Absent on cluster-scoped objects. */
  readonly namespace?: string;
  /** Set by the API server at creation; a re-created object of the same name has another one. */
  readonly uid: string;
  /** Opaque decimal string: the store revision of the last change. */
  readonly resourceVersion: string;
  /** Bumped by the API server when the spec changes, never by a status write. */
  readonly generation?: number;
  /** RFC 3339, whole seconds, UTC. */
  readonly creationTimestamp: string;
  /** RFC 3339; set when deletion was asked for and something still holds the object. */
  readonly deletionTimestamp?: string;
  readonly deletionGracePeriodSeconds?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly OwnerReference[];
  readonly finalizers?: readonly string[];
}

/** Names the object that owns another one; deletion of the owner takes the dependent with it (`meta/v1 OwnerReference`). */
export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  /** True on the one owner that manages the object. */
  readonly controller?: boolean;
  /** True when foreground deletion of the owner must wait for this dependent. */
  readonly blockOwnerDeletion?: boolean;
}

/** The least every object has. */
export interface KubernetesObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: ObjectMeta;
}

/** An object on its way to `create`: the API server fills in what is left out of its metadata. */
export type Draft<T extends KubernetesObject> = Omit<T, "metadata"> & { readonly metadata: Partial<ObjectMeta> };

/** A list answer with its snapshot's revision (`meta/v1 ListMeta`). */
export interface ObjectList<T extends KubernetesObject> {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string; readonly remainingItemCount?: number };
  readonly items: readonly T[];
}

/** One name inside one namespace (or of the cluster, where `namespace` is absent). */
export interface ObjectName {
  readonly namespace?: string;
  readonly name: string;
}

/** The key of an object in stores and queues: `namespace/name`, or `name` alone for a cluster-scoped object. */
export function objectKey(object: ObjectName | KubernetesObject): string {
  const { namespace, name } = "metadata" in object ? object.metadata : object;
  return namespace === undefined || namespace === "" ? name : `${namespace}/${name}`;
}

/** Name and namespace of an object, for the client's calls. */
export function nameOf(object: KubernetesObject): ObjectName {
  const { namespace, name } = object.metadata;
  return namespace === undefined ? { name } : { namespace, name };
}

/** The one owner that manages this object, if any. */
export function controllerOf(object: KubernetesObject): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find((owner) => owner.controller === true);
}

/** Whether `owner` (by uid) is the managing owner of `object`. */
export function isControlledBy(object: KubernetesObject, owner: KubernetesObject): boolean {
  return controllerOf(object)?.uid === owner.metadata.uid;
}

/** Whether deletion was asked for. */
export function isBeingDeleted(object: KubernetesObject): boolean {
  return object.metadata.deletionTimestamp !== undefined;
}
