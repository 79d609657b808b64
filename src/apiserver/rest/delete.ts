import { formatTime, parseTime } from "../../kubernetes/timestamp.js";
import { conflict, forbidden, notFound } from "../errors.js";
import type { Kind } from "../kinds/kind.js";
import { type ApiObject, cloneObject } from "../object.js";
import type { Change, Changed, Registry } from "../registry.js";
import type { DeleteOptions, WriteOptions } from "../request.js";
import { isReadyToGo } from "./update.js";

const ORPHAN = "orphan";
const FOREGROUND = "foregroundDeletion";

function checkPreconditions(kind: Kind, object: ApiObject, preconditions: DeleteOptions["preconditions"]): void {
  const { uid, resourceVersion } = preconditions ?? {};
  if (uid !== undefined && uid !== object.metadata.uid) throw conflict(kind, object.metadata.name, `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${object.metadata.uid}`);
  if (resourceVersion !== undefined && resourceVersion !== object.metadata.resourceVersion) {
    throw conflict(kind, object.metadata.name, `Precondition failed: ResourceVersion in precondition: ${resourceVersion}, ResourceVersion in object meta: ${object.metadata.resourceVersion}`);
  }
}

/** Finalizers the propagation policy asks for: `Orphan` and `Foreground` hold the object for the garbage collector. */
function withPolicy(finalizers: readonly string[], policy: DeleteOptions["propagationPolicy"]): string[] {
  if (policy === undefined) return [...finalizers];
  const rest = finalizers.filter((finalizer) => finalizer !== ORPHAN && finalizer !== FOREGROUND);
  if (policy === "Orphan") rest.push(ORPHAN);
  if (policy === "Foreground") rest.push(FOREGROUND);
  return rest;
}

/**
 * Marks an object for deletion, or shortens a grace that runs.
 *
 * Example: a bound pod with grace 30 at 12:00:00 gets deletionTimestamp 12:00:30; a second delete with grace 10 at 12:00:05
 * moves it to 12:00:10 (from the time of the first); grace 60 changes nothing; grace 0 lets it go at once unless a
 * finalizer holds it.
 */
export function marked(kind: Kind, object: ApiObject, options: DeleteOptions, nowMs: number): ApiObject {
  const { metadata } = object;
  const finalizers = withPolicy(metadata.finalizers ?? [], options.propagationPolicy);
  if (finalizers.length > 0) metadata.finalizers = finalizers;
  else delete metadata.finalizers;
  const grace = kind.graceOf?.(object, options.gracePeriodSeconds) ?? 0;
  if (metadata.deletionTimestamp === undefined) {
    metadata.deletionTimestamp = formatTime(nowMs + grace * 1000);
    metadata.deletionGracePeriodSeconds = grace;
    // Setting the mark is a change of what is wanted.
    if (metadata.generation !== undefined && metadata.generation > 0) metadata.generation++;
    kind.markDeleted?.(object);
    return object;
  }
  const running = metadata.deletionGracePeriodSeconds ?? 0;
  if (options.gracePeriodSeconds !== undefined && grace < running) {
    const sinceMs = (parseTime(metadata.deletionTimestamp) ?? nowMs) - running * 1000;
    metadata.deletionTimestamp = formatTime(Math.max(sinceMs + grace * 1000, grace === 0 ? nowMs : 0));
    metadata.deletionGracePeriodSeconds = grace;
  }
  return object;
}

/** What a deletion came to. */
export interface Deletion extends Changed {
  /** This deletion set the deletionTimestamp. */
  readonly isFirst: boolean;
}

/** Deletes an object: at once, or by marking it when a grace period or a finalizer holds it. */
export async function deleteObject(registry: Registry, kind: Kind, namespace: string, name: string, options: DeleteOptions, write: WriteOptions): Promise<Deletion> {
  let isFirst = false;
  let dry: ApiObject | undefined;
  const changed = await registry.change(kind, namespace, name, (current): Change => {
    if (!current) throw notFound(kind, name);
    checkPreconditions(kind, current.object, options.preconditions);
    const refusal = kind.deletionRefusal?.(current.object);
    if (refusal !== undefined) throw forbidden(kind, name, refusal);
    isFirst = current.object.metadata.deletionTimestamp === undefined;
    const object = marked(kind, cloneObject(current.object), options, registry.emulated.nowMs());
    if (write.dryRun) {
      dry = object;
      return "keep";
    }
    if (isReadyToGo(kind, object)) return "remove";
    return JSON.stringify(object) === JSON.stringify(current.object) ? "keep" : { to: object };
  });
  return { ...changed, isFirst, ...(dry && isReadyToGo(kind, dry) ? { removed: true } : {}) };
}
