import { isDeepStrictEqual } from "node:util";
import { formatTime } from "../../kubernetes/timestamp.js";
import { badRequest, conflict, invalid, modified, notFound } from "../errors.js";
import { apiVersionOf, type Kind } from "../kinds/kind.js";
import { afterUpdate } from "../managed-fields.js";
import { type ApiObject, cloneObject, type ManagedFieldsEntry } from "../object.js";
import type { Change, Changed, Registry } from "../registry.js";
import type { EditOptions, WriteOptions } from "../request.js";
import { Stored } from "../storage/stored.js";
import { validateMetadataUpdate } from "../validation/metadata.js";
import { contextOf, createObject, settleNamespace } from "./create.js";
import { chargesOfUpdate } from "./quota-admission.js";
import { isSettled, settleSpec } from "./settled.js";

/** What a write wants of an object, computed from what it is, which stays as it is; may throw a StatusError. */
export type Edit = (current: ApiObject) => Promise<ApiObject> | ApiObject;

/** Whether an object marked for deletion has nothing left that holds it. */
export function isReadyToGo(kind: Kind, object: ApiObject): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds, finalizers } = object.metadata;
  return deletionTimestamp !== undefined && (deletionGracePeriodSeconds ?? 0) === 0 && (finalizers ?? []).length === 0 && !(kind.isHeld?.(object) ?? false);
}

/** Metadata of an update: what the server owns stays as it is. */
function mergedMetadata(object: ApiObject, old: ApiObject): ApiObject["metadata"] {
  const was = old.metadata;
  const { labels, annotations, ownerReferences, finalizers } = object.metadata;
  return {
    name: was.name,
    ...(was.generateName ? { generateName: was.generateName } : {}),
    ...(was.namespace ? { namespace: was.namespace } : {}),
    uid: was.uid!,
    ...(was.generation === undefined ? {} : { generation: was.generation }),
    creationTimestamp: was.creationTimestamp!,
    ...(was.deletionTimestamp ? { deletionTimestamp: was.deletionTimestamp } : {}),
    ...(was.deletionGracePeriodSeconds === undefined ? {} : { deletionGracePeriodSeconds: was.deletionGracePeriodSeconds }),
    ...(labels && Object.keys(labels).length > 0 ? { labels } : {}),
    ...(annotations && Object.keys(annotations).length > 0 ? { annotations } : {}),
    ...(ownerReferences && ownerReferences.length > 0 ? { ownerReferences } : {}),
    ...(finalizers && finalizers.length > 0 ? { finalizers } : {}),
    ...(was.managedFields ? { managedFields: was.managedFields } : {}),
  };
}

/** Refuses a write whose body speaks of another revision or another object of this name. */
function checkPreconditions(kind: Kind, object: ApiObject, old: ApiObject): void {
  const { resourceVersion, uid, name } = object.metadata;
  if (uid && uid !== old.metadata.uid) throw conflict(kind, old.metadata.name, `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${old.metadata.uid}`);
  if (resourceVersion && resourceVersion !== old.metadata.resourceVersion) throw modified(kind, old.metadata.name);
  if (name && name !== old.metadata.name) throw badRequest(`the name of the object (${name}) does not match the name on the URL (${old.metadata.name})`);
}

/** The stored form of an update: metadata kept, the other half (spec or status) kept, defaults, validation, generation. */
export function settleUpdate(kind: Kind, wanted: ApiObject, old: ApiObject, options: EditOptions, nowMs: number): ApiObject {
  checkPreconditions(kind, wanted, old);
  const object = wanted;
  object.metadata = mergedMetadata(wanted, old);
  const wasSettled = isSettled(old);
  const causes = [];
  // A binding writes both halves; a namespace's finalize writes spec.finalizers, which an ordinary update may not.
  const isInner = options.subresource === "binding" || options.subresource === "finalize";
  if (options.subresource === "status") {
    // A status write may touch metadata's labels and annotations, but nothing of the spec.
    for (const field of new Set([...Object.keys(old), ...Object.keys(object)])) {
      if (field === "status" || field === "metadata" || field === "apiVersion" || field === "kind") continue;
      if (Object.hasOwn(old, field)) object[field] = old[field];
      else delete object[field];
    }
    kind.prepareStatus?.(object, old);
    causes.push(...(kind.validateStatus?.(object, old) ?? []));
  } else {
    if (kind.hasStatus && !isInner) {
      if (old["status"] === undefined) delete object["status"];
      else object["status"] = old["status"];
    }
    const isChecked = wasSettled && (isInner || object["spec"] === old["spec"]);
    if (!isChecked) kind.setDefaults?.(object);
    if (!isChecked && !isInner) kind.prepareUpdate?.(object, old);
    if (kind.countsGeneration?.(object, old)) object.metadata.generation = (old.metadata.generation ?? 0) + 1;
    if (!isInner) causes.push(...validateMetadataUpdate(object, old));
    if (!isInner && !isChecked) causes.push(...(kind.validateUpdate?.(object, old) ?? []));
  }
  if (causes.length > 0) throw invalid(kind, old.metadata.name, causes);
  if (options.subresource !== "status" && (wasSettled || !isInner)) settleSpec(kind, object);
  const entries = options.managedFields
    ? options.managedFields(object)
    : afterUpdate(
        object,
        old,
        kind.struct,
        { manager: options.fieldManager, operation: "Update", apiVersion: apiVersionOf(kind), time: formatTime(nowMs), ...(options.subresource ? { subresource: options.subresource } : {}) },
        wasSettled,
      );
  if (entries.length > 0) object.metadata.managedFields = entries;
  else delete object.metadata.managedFields;
  return object;
}

/** Whether an update changes anything but its own bookkeeping. */
function isSame(object: ApiObject, old: ApiObject): boolean {
  const { metadata, ...content } = object;
  const { metadata: oldMetadata, ...oldContent } = old;
  if (!isDeepStrictEqual(content, oldContent)) return false;
  const { resourceVersion: _new, managedFields = [], ...own } = metadata;
  const { resourceVersion: _old, managedFields: oldFields = [], ...oldOwn } = oldMetadata;
  if (!isDeepStrictEqual(own, oldOwn)) return false;
  const owners = (entries: readonly ManagedFieldsEntry[]): object[] => entries.map(({ time: _time, ...entry }) => entry);
  return isDeepStrictEqual(owners(managedFields), owners(oldFields));
}

/** Reads, edits, writes; an object that is marked and no longer held goes. One Txn when the cache is fresh. */
export async function editObject(registry: Registry, kind: Kind, namespace: string, name: string, edit: Edit, options: EditOptions): Promise<Changed> {
  let dry: ApiObject | undefined;
  const changed = await registry.change(kind, namespace, name, async (current): Promise<Change> => {
    if (!current) throw notFound(kind, name);
    const wanted = await edit(current.object);
    const object = settleUpdate(kind, wanted, current.object, options, contextOf(registry, options).nowMs);
    if (isReadyToGo(kind, object)) {
      if (!options.dryRun) return "remove";
    } else if (isSame(object, current.object)) return "keep";
    const along = await chargesOfUpdate(registry, kind, object, current.object);
    if (!options.dryRun) return { to: object, along };
    dry = object;
    return "keep";
  });
  return dry ? { stored: new Stored("", 0, dry).at(changed.stored.revision), removed: false } : changed;
}

/** PUT: the body replaces the object (or its status). */
export async function replaceObject(registry: Registry, kind: Kind, namespace: string, name: string, body: ApiObject, options: WriteOptions): Promise<{ readonly stored: Stored; readonly created: boolean }> {
  const object = kind.view ? kind.view.toStored(body) : body;
  settleNamespace(kind, namespace, object);
  if (object.metadata.name === undefined || object.metadata.name === "") throw badRequest("name must be provided");
  if (object.metadata.name !== name) throw badRequest(`the name of the object (${object.metadata.name}) does not match the name on the URL (${name})`);
  try {
    const changed = await editObject(registry, kind, namespace, name, () => cloneObject(object), options);
    return { stored: changed.stored, created: false };
  } catch (error) {
    const missing = kind.createOnUpdate && options.subresource === undefined && (error as { reason?: string }).reason === "NotFound";
    if (!missing || object.metadata.resourceVersion) throw error;
    return { stored: await createObject(registry, kind, namespace, body, options), created: true };
  }
}
