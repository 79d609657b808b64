import type { ResourceName, StatusCause } from "../errors.js";
import type { ApiObject } from "../object.js";

/** Who calls: the name and groups of the certificate or token. */
export interface Caller {
  readonly name: string;
  readonly uid?: string;
  readonly groups: readonly string[];
}

/** Finds other objects for admission. */
export interface Lookup {
  /** The object, read through etcd when the cache does not know it. */
  find(of: ResourceName, namespace: string, name: string): Promise<ApiObject | undefined>;
  /** All objects of a kind, as of the cache. */
  all(of: ResourceName): Iterable<ApiObject>;
  /** Those of one namespace, own writes included that the cache has not seen come back. */
  inNamespace(of: ResourceName, namespace: string): Iterable<ApiObject>;
}

/** What a kind's hooks may know of the write they are part of. */
export interface WriteContext {
  readonly caller: Caller;
  /** Emulated time, milliseconds since 1970. */
  readonly nowMs: number;
  readonly lookup: Lookup;
  /** A sentence for the caller (Warning header). */
  warn(text: string): void;
}

/** One column of a Table (`meta/v1 TableColumnDefinition`). */
export interface Column {
  readonly name: string;
  readonly type: "string" | "integer" | "date" | "boolean";
  readonly format?: string;
  readonly description: string;
  /** 0 always, 1 only with `-o wide`. */
  readonly priority: 0 | 1;
}

export type Cell = string | number | boolean | null;

/** A subresource beside `status`. */
export interface Subresource {
  readonly name: string;
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly verbs: readonly string[];
}

/** A kind is a row: the generic registry knows nothing else of it. */
export interface Kind extends ResourceName {
  /** "" for the core group. */
  readonly group: string;
  readonly version: string;
  /** Plural, as in paths. */
  readonly resource: string;
  readonly singular: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  /** Where objects are stored: `/registry/pods/`. */
  readonly prefix: string;
  /** The struct of schema/ that decodes its bodies. */
  readonly struct: string;
  readonly hasStatus: boolean;
  readonly subresources: readonly Subresource[];
  /** Another kind whose stored objects these are, in other words. */
  readonly view?: { readonly struct: string; readonly fromStored: (object: ApiObject) => ApiObject; readonly toStored: (object: ApiObject) => ApiObject };
  /** Rules of a name; complaints without the field. */
  readonly nameComplaints: (name: string, isPrefix: boolean) => readonly string[];
  /** Fields of field selectors beside metadata.name and metadata.namespace. */
  readonly fields: Readonly<Record<string, (object: ApiObject) => string>>;
  readonly columns: readonly Column[];
  readonly cells: (object: ApiObject, nowMs: number) => Cell[];
  /** PUT of a name that does not exist creates it. */
  readonly createOnUpdate?: boolean;
  /** Counts changes of the spec in metadata.generation. */
  readonly countsGeneration?: (object: ApiObject, old: ApiObject) => boolean;
  /** Seconds after which etcd forgets the object (events). */
  readonly ttlSeconds?: number;
  /** Defaults, preparation and checks of an update are about its spec alone: a write that leaves a settled spec as it is needs none of them. */
  readonly settlesSpec?: true;
  /** Fills in what was left out; runs on every body that is decoded. */
  readonly setDefaults?: (object: ApiObject) => void;
  /** Mutating admission and what the server sets at creation. */
  readonly prepareCreate?: (object: ApiObject, context: WriteContext) => Promise<void> | void;
  /** Validating admission at creation: throws a StatusError. Runs on what has passed `validate`. */
  readonly admitCreate?: (object: ApiObject, context: WriteContext) => void;
  /** Restores what an update may not touch. */
  readonly prepareUpdate?: (object: ApiObject, old: ApiObject) => void;
  /** Restores what a status write may not touch. */
  readonly prepareStatus?: (object: ApiObject, old: ApiObject) => void;
  readonly validate?: (object: ApiObject) => StatusCause[];
  readonly validateUpdate?: (object: ApiObject, old: ApiObject) => StatusCause[];
  readonly validateStatus?: (object: ApiObject, old: ApiObject) => StatusCause[];
  /** Absent: deletion is immediate. Grace in seconds; 0 removes at once. */
  readonly graceOf?: (object: ApiObject, askedSeconds: number | undefined) => number;
  /** Runs once when an object is marked for deletion. */
  readonly markDeleted?: (object: ApiObject) => void;
  /** Finalizers outside metadata that hold the object (a namespace's spec.finalizers). */
  readonly isHeld?: (object: ApiObject) => boolean;
  /** Says why this object may not be deleted at all. */
  readonly deletionRefusal?: (object: ApiObject) => string | undefined;
}

/** `v1`, `apps/v1`. */
export function apiVersionOf(kind: { readonly group: string; readonly version: string }): string {
  return kind.group === "" ? kind.version : `${kind.group}/${kind.version}`;
}

/** The store key of an object. */
export function keyOf(kind: Kind, namespace: string, name: string): string {
  return kind.namespaced ? `${kind.prefix}${namespace}/${name}` : `${kind.prefix}${name}`;
}

/** The struct that request bodies of a kind have. */
export function bodyStructOf(kind: Kind): string {
  return kind.view?.struct ?? kind.struct;
}
