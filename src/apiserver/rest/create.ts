import { formatTime } from "../../kubernetes/timestamp.js";
import { alreadyExists, badRequest, forbidden, generateNameConflict, invalid, notFound } from "../errors.js";
import { apiVersionOf, type Kind, type WriteContext } from "../kinds/kind.js";
import { afterUpdate } from "../managed-fields.js";
import { type ApiObject, cloneObject } from "../object.js";
import type { Registry } from "../registry.js";
import type { EditOptions, WriteOptions } from "../request.js";
import { Stored } from "../storage/stored.js";
import { validateMetadata } from "../validation/metadata.js";
import { checkQuotas, insertCharged } from "./quota-admission.js";
import { settleSpec } from "./settled.js";

const NAME_CHARACTERS = "bcdfghjklmnpqrstvwxz2456789";
const RANDOM_LENGTH = 5;
const LONGEST_BASE = 63 - RANDOM_LENGTH;
/** How many names are drawn for one generateName. */
const NAME_DRAWS = 8;

/** What hooks learn of a write. */
export function contextOf(registry: Registry, options: WriteOptions): WriteContext {
  return { caller: options.caller, nowMs: registry.emulated.nowMs(), lookup: registry, warn: options.warn };
}

/** 404 for a namespace that is not there, 403 for one on its way out. */
async function requireNamespace(registry: Registry, kind: Kind, object: ApiObject): Promise<void> {
  if (!kind.namespaced) return;
  const name = object.metadata.namespace!;
  const namespaces = { group: "", resource: "namespaces" };
  const namespace = await registry.find(namespaces, "", name);
  if (!namespace) throw notFound(namespaces, name);
  if (!namespace.metadata.deletionTimestamp && namespace["status"]?.phase !== "Terminating") return;
  throw forbidden(kind, object.metadata.name, `unable to create new content in namespace ${name} because it is being terminated`, [
    { reason: "NamespaceTerminating", message: `namespace ${name} is being terminated`, field: "metadata.namespace" },
  ]);
}

/** Name and namespace of the body must be those of the path, where both are given. */
export function settleNamespace(kind: Kind, namespace: string, object: ApiObject): void {
  if (!kind.namespaced) return;
  if (object.metadata.namespace && object.metadata.namespace !== namespace) throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
  object.metadata.namespace = namespace;
}

/** Fields of metadata the server sets, in the order they are stored. */
function newMetadata(registry: Registry, object: ApiObject, countsGeneration: boolean): ApiObject["metadata"] {
  const { name, generateName, namespace, labels, annotations, ownerReferences, finalizers } = object.metadata;
  return {
    name,
    ...(generateName ? { generateName } : {}),
    ...(namespace ? { namespace } : {}),
    uid: registry.dice.uuid(),
    ...(countsGeneration ? { generation: 1 } : {}),
    creationTimestamp: formatTime(registry.emulated.nowMs()),
    ...(labels && Object.keys(labels).length > 0 ? { labels } : {}),
    ...(annotations && Object.keys(annotations).length > 0 ? { annotations } : {}),
    ...(ownerReferences && ownerReferences.length > 0 ? { ownerReferences } : {}),
    ...(finalizers && finalizers.length > 0 ? { finalizers } : {}),
  };
}

/** Stores a new object: admission, defaults, validation, one Txn (one per drawn name with generateName). */
export async function createObject(registry: Registry, kind: Kind, namespace: string, body: ApiObject, options: EditOptions): Promise<Stored> {
  const object = kind.view ? kind.view.toStored(body) : body;
  if (object.metadata.resourceVersion) throw badRequest("resourceVersion should not be set on objects to be created");
  settleNamespace(kind, namespace, object);
  const generates = !object.metadata.name && object.metadata.generateName !== undefined && object.metadata.generateName !== "";
  for (let draw = 1; ; draw++) {
    const attempt = generates ? cloneObject(object) : object;
    if (generates) {
      let end = "";
      for (let index = 0; index < RANDOM_LENGTH; index++) end += NAME_CHARACTERS[registry.dice.int(NAME_CHARACTERS.length)];
      attempt.metadata.name = attempt.metadata.generateName!.slice(0, LONGEST_BASE) + end;
    }
    const stored = await createNamed(registry, kind, attempt, options);
    if (stored) return stored;
    if (!generates) throw alreadyExists(kind, attempt.metadata.name);
    if (draw === NAME_DRAWS) throw generateNameConflict(kind, attempt.metadata.name);
  }
}

async function createNamed(registry: Registry, kind: Kind, object: ApiObject, options: EditOptions): Promise<Stored | undefined> {
  const context = contextOf(registry, options);
  await requireNamespace(registry, kind, object);
  object.metadata = newMetadata(registry, object, kind.countsGeneration !== undefined);
  kind.setDefaults?.(object);
  await kind.prepareCreate?.(object, context);
  const causes = [...validateMetadata(kind, object), ...(kind.validate?.(object) ?? [])];
  if (causes.length > 0) throw invalid(kind, object.metadata.name, causes);
  kind.admitCreate?.(object, context);
  settleSpec(kind, object);
  object.metadata.managedFields = options.managedFields
    ? options.managedFields(object)
    : afterUpdate(kind.hasStatus ? { ...object, status: undefined } : object, undefined, kind.struct, { manager: options.fieldManager, operation: "Update", apiVersion: apiVersionOf(kind), time: formatTime(context.nowMs) });
  if (options.dryRun) {
    await checkQuotas(registry, kind, object);
    const existing = registry.cached(kind, object.metadata.namespace ?? "", object.metadata.name) ?? (await registry.fresh(kind, object.metadata.namespace ?? "", object.metadata.name));
    return existing ? undefined : new Stored("", 0, object);
  }
  return insertCharged(registry, kind, object);
}
