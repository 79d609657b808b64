import type { Binding } from "./cluster-objects.js";
import type { Draft, KubernetesObject, ObjectList, ObjectName } from "./object-meta.js";
import type { ResourceType } from "./resource-type.js";
import type { Status } from "./status.js";

export interface CallOptions {
  readonly signal?: AbortSignal;
  /** Whole call, monotonic; 30,000 when absent. */
  readonly timeoutMs?: number;
  /** Extra request headers, for example `traceparent`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Does not wait behind the client's other calls: for heartbeats, few and small, by which others judge whether the caller lives. */
  readonly ahead?: boolean;
}

export interface WriteOptions extends CallOptions {
  /** Who is named in managedFields. */
  readonly fieldManager?: string;
}

export interface SelectOptions {
  readonly namespace?: string;
  /** Query form, see label-selector.ts. */
  readonly labelSelector?: string;
  /** Query form, see field-selector.ts. */
  readonly fieldSelector?: string;
}

export interface ListOptions extends SelectOptions, CallOptions {
  /** Objects per page; 500 when absent. */
  readonly pageSize?: number;
  /** `0` takes any cached state; absent is the newest. */
  readonly resourceVersion?: string;
}

export interface WatchOptions extends SelectOptions {
  readonly resourceVersion: string;
  readonly timeoutSeconds?: number;
  readonly signal?: AbortSignal;
}

export type WatchEvent<T extends KubernetesObject> =
  | { readonly type: "ADDED" | "MODIFIED" | "DELETED"; readonly object: T }
  /** Nothing changed up to this resource version. */
  | { readonly type: "BOOKMARK"; readonly resourceVersion: string };

export type JsonPatchOperation =
  | { readonly op: "add" | "replace" | "test"; readonly path: string; readonly value: unknown }
  | { readonly op: "remove"; readonly path: string }
  | { readonly op: "move" | "copy"; readonly from: string; readonly path: string };

/** The body of a patch by its content type. A `metadata.resourceVersion` or `uid` in a merge or strategic body is a precondition. */
export type Patch =
  | { readonly type: "merge" | "strategic" | "apply"; readonly body: object }
  | { readonly type: "json"; readonly body: readonly JsonPatchOperation[] };

export interface PatchOptions extends WriteOptions {
  /** For example `status` or `scale`. */
  readonly subresource?: string;
  /** Of server-side apply: take fields from other managers. */
  readonly force?: boolean;
}

export interface DeleteOptions extends CallOptions {
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: "Background" | "Foreground" | "Orphan";
  /** The deletion answers 409 if the object is not exactly this one. */
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
}

/** What rooms need of a Kubernetes API server. Every call rejects with `ApiError` when the answer is no success. */
export interface ApiClient {
  get<T extends KubernetesObject>(type: ResourceType<T>, name: ObjectName, options?: CallOptions): Promise<T>;
  /** All pages of one snapshot. */
  list<T extends KubernetesObject>(type: ResourceType<T>, options?: ListOptions): Promise<ObjectList<T>>;
  /** Ends when the server ends it; rejects with 410 (`isExpired`) when the version is too old. Bookmarks are asked for. */
  watch<T extends KubernetesObject>(type: ResourceType<T>, options: WatchOptions): AsyncIterable<WatchEvent<T>>;
  create<T extends KubernetesObject>(type: ResourceType<T>, draft: Draft<T>, options?: WriteOptions): Promise<T>;
  /** Replaces the object; its resourceVersion must be the stored one. */
  update<T extends KubernetesObject>(type: ResourceType<T>, object: T, options?: WriteOptions & { readonly subresource?: string }): Promise<T>;
  patch<T extends KubernetesObject>(type: ResourceType<T>, name: ObjectName, patch: Patch, options?: PatchOptions): Promise<T>;
  /** `POST pods/{name}/binding`. */
  bind(binding: Binding, options?: WriteOptions): Promise<Status>;
  /** Answers the object when something still holds it, else a Status. */
  delete<T extends KubernetesObject>(type: ResourceType<T>, name: ObjectName, options?: DeleteOptions): Promise<T | Status>;
}
