/** An object's metadata as stored and sent (`meta/v1 ObjectMeta`); the API server itself may change it. */
export interface Metadata {
  name: string;
  generateName?: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  deletionGracePeriodSeconds?: number;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  ownerReferences?: OwnerReference[];
  finalizers?: string[];
  managedFields?: ManagedFieldsEntry[];
}

/** `meta/v1 OwnerReference`. */
export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

/** `meta/v1 ManagedFieldsEntry`: who last wrote which fields. */
export interface ManagedFieldsEntry {
  manager: string;
  operation: "Apply" | "Update";
  apiVersion: string;
  time?: string;
  fieldsType: "FieldsV1";
  fieldsV1: FieldSet;
  subresource?: string;
}

/** Fields as a tree: `f:name` a field, `k:{...}` a list entry by key, `v:...` a set's value, `.` the thing itself. */
export interface FieldSet {
  [key: string]: FieldSet;
}

/** Any object of the API; the shape below metadata is the kind's own (see schema/). */
export interface ApiObject {
  apiVersion: string;
  kind: string;
  metadata: Metadata;
  // A generic API server handles bodies it does not know at compile time.
  // oxlint-disable-next-line typescript/no-explicit-any
  [field: string]: any;
}

/** A deep copy that may be changed without touching the original. */
export function cloneObject<T>(object: T): T {
  return JSON.parse(JSON.stringify(object)) as T;
}
