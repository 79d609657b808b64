import { formatTime } from "../../kubernetes/timestamp.js";
import { applyConflict, badRequest, conflict, invalid, type StatusCause, StatusError } from "../errors.js";
import { apiVersionOf, type Kind } from "../kinds/kind.js";
import { afterApply, changedLeaves, entryOfManager, fieldSetOf, intersect, type Manager, pathsOf, subtract, unite } from "../managed-fields.js";
import { type ApiObject, cloneObject, type FieldSet, type ManagedFieldsEntry } from "../object.js";
import { applyMerge, removeFields } from "../patch/apply-merge.js";
import type { Registry } from "../registry.js";
import type { WriteOptions } from "../request.js";
import type { TypeRef } from "../schema/schema.js";
import type { Stored } from "../storage/stored.js";
import { decodeBody, type RawBody } from "./body.js";
import { createObject } from "./create.js";
import { editObject } from "./update.js";

/** Fields of `applied` that others manage and that it would change, by manager. */
function conflictsOf(entries: readonly ManagedFieldsEntry[], mine: ManagedFieldsEntry | undefined, changing: FieldSet | undefined): { readonly causes: StatusCause[]; readonly taken: FieldSet | undefined } {
  const causes: StatusCause[] = [];
  let taken: FieldSet | undefined;
  for (const entry of changing ? entries : []) {
    if (entry === mine) continue;
    const both = intersect(entry.fieldsV1, changing!);
    if (!both) continue;
    taken = taken ? unite(taken, both) : both;
    const sub = entry.subresource ? ` with subresource "${entry.subresource}"` : "";
    for (const field of pathsOf(both)) causes.push({ reason: "FieldManagerConflict", message: `conflict with ${JSON.stringify(entry.manager)}${sub} using ${entry.apiVersion}`, field });
  }
  return { causes, taken };
}

/** Fields this manager applied before, applies no more, and nobody else manages. */
function abandoned(entries: readonly ManagedFieldsEntry[], mine: ManagedFieldsEntry | undefined, applied: FieldSet): FieldSet | undefined {
  let rest = mine ? subtract(mine.fieldsV1, applied) : undefined;
  for (const entry of entries) if (rest && entry !== mine) rest = subtract(rest, entry.fieldsV1);
  return rest;
}

function checkOptions(kind: Kind, name: string, body: ApiObject, statedManager: string): void {
  if (statedManager === "") {
    throw invalid({ group: "meta.k8s.io", kind: "PatchOptions" }, "", [{ reason: "FieldValueRequired", message: "Required value: is required for apply patch", field: "fieldManager" }]);
  }
  if (body.metadata.managedFields) throw badRequest("metadata.managedFields must be nil");
  if (body.metadata.name && body.metadata.name !== name) throw badRequest(`the name of the object (${body.metadata.name}) does not match the name on the URL (${name})`);
  if (kind.view) throw badRequest(`server-side apply of ${kind.resource}.${kind.group} is not implemented by spheresim: use the core group`);
}

/**
 * Server-side apply: the body says all that this manager wants to manage.
 *
 * What others manage with another value is a conflict (409) unless forced; what this manager applied before and leaves out
 * now is removed unless somebody else manages it too. The object is created when it is not there.
 */
export async function applyObject(registry: Registry, kind: Kind, namespace: string, name: string, raw: RawBody, statedManager: string, options: WriteOptions): Promise<{ readonly stored: Stored; readonly created: boolean }> {
  const expected = { apiVersion: apiVersionOf(kind), kind: kind.kind, struct: kind.struct };
  const body = decodeBody({ bytes: raw.bytes, contentType: "application/yaml" }, expected, options.fieldValidation, options.warn);
  checkOptions(kind, name, body, statedManager);
  body.metadata.name = name;
  if (kind.namespaced) body.metadata.namespace = namespace;
  const manager = (): Manager => ({
    manager: statedManager,
    operation: "Apply",
    apiVersion: expected.apiVersion,
    time: formatTime(registry.emulated.nowMs()),
    ...(options.subresource ? { subresource: options.subresource } : {}),
  });
  const applied = fieldSetOf(body, kind.struct);
  const root: TypeRef = { form: "struct", struct: kind.struct, goName: kind.struct };
  let entries: readonly ManagedFieldsEntry[] = [];
  let taken: FieldSet | undefined;
  const edit = (current: ApiObject): ApiObject => {
    entries = current.metadata.managedFields ?? [];
    const mine = entryOfManager(entries, manager());
    const found = conflictsOf(entries, mine, changedLeaves(applied, body, current, root, undefined));
    if (found.causes.length > 0 && !options.force) throw applyConflict(found.causes);
    taken = found.taken;
    const merged = cloneObject(applyMerge(current, body, kind.struct)) as ApiObject;
    const gone = abandoned(entries, mine, applied);
    if (gone) removeFields(merged, gone, root);
    merged.metadata.resourceVersion = body.metadata.resourceVersion ?? current.metadata.resourceVersion!;
    return merged;
  };
  const managedFields = (result: ApiObject): ManagedFieldsEntry[] => afterApply(result, entries, kind.struct, applied, manager(), taken);
  try {
    return { stored: (await editObject(registry, kind, namespace, name, edit, { ...options, managedFields })).stored, created: false };
  } catch (error) {
    if (!(error instanceof StatusError) || error.reason !== "NotFound" || options.subresource) throw error;
    if (body.metadata.uid) throw conflict(kind, name, `uid mismatch: the provided object specified uid ${body.metadata.uid}, and no existing object was found`);
    entries = [];
    taken = undefined;
    return { stored: await createObject(registry, kind, namespace, cloneObject(body), { ...options, managedFields }), created: true };
  }
}
