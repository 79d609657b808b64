import { isDeepStrictEqual } from "node:util";
import type { ApiObject, FieldSet, ManagedFieldsEntry } from "./object.js";
import { type Field, structOf, type TypeRef } from "./schema/schema.js";

/** Metadata the server owns; nobody manages it. */
const UNMANAGED = new Set(["name", "namespace", "uid", "selfLink", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "managedFields"]);

/** Nothing below: most fields. */
const LEAF: FieldSet = Object.freeze({});

/** Stands for the fields of a value that is the very one it was: nothing below it has changed. */
const SAME: FieldSet = Object.freeze({});

type Members = Readonly<Record<string, unknown>>;

/** The key of one entry of a list-map: `k:{"containerPort":80,"protocol":"TCP"}`. */
export function entryKey(entry: unknown, keys: readonly string[]): string {
  const found: Record<string, unknown> = {};
  for (const key of [...keys].sort()) {
    const value = (entry as Record<string, unknown> | null)?.[key];
    if (value !== undefined) found[key] = value;
    else if (key === "protocol") found[key] = "TCP";
  }
  return `k:${JSON.stringify(found)}`;
}

function fieldsOfValue(value: unknown, type: TypeRef, field: Field | undefined, old?: unknown): FieldSet {
  if (field?.atomic || value === null || typeof value !== "object") return LEAF;
  if (value === old) return SAME;
  switch (type.form) {
    case "struct":
      return fieldsOfStruct(value as Members, type.struct, old as Members | undefined);
    case "map":
      return fieldsOfMap(value as Members, type.value);
    case "raw":
      return Array.isArray(value) ? LEAF : fieldsOfMap(value as Members, type);
    case "list":
      return field?.listKeys && Array.isArray(value) ? fieldsOfList(value, type.element, field.listKeys) : LEAF;
    default:
      return LEAF;
  }
}

function fieldsOfMap(value: Members, type: TypeRef): FieldSet {
  const set: FieldSet = {};
  for (const key of Object.keys(value)) set[`f:${key}`] = fieldsOfValue(value[key], type, undefined);
  return set;
}

function fieldsOfList(value: readonly unknown[], element: TypeRef, keys: readonly string[]): FieldSet {
  const set: FieldSet = {};
  for (const member of value) {
    if (keys.length === 0) set[`v:${JSON.stringify(member)}`] = LEAF;
    else set[entryKey(member, keys)] = withItself(fieldsOfValue(member, element, undefined));
  }
  return set;
}

/** The fields of a thing that can be there without any of them. */
function withItself(inner: FieldSet): FieldSet {
  return { ".": LEAF, ...inner };
}

function fieldsOfStruct(value: Members, key: string, old: Members | undefined): FieldSet {
  const { fields } = structOf(key);
  const isMetadata = key === "meta.ObjectMeta";
  const set: FieldSet = {};
  for (const name of Object.keys(value)) {
    const field = fields.get(name);
    const member = value[name];
    if (!field || member === undefined || member === null) continue;
    if (isMetadata && UNMANAGED.has(name)) continue;
    const inner = fieldsOfValue(member, field.type, field, old?.[name]);
    // Metadata that only says what the server set is managed by nobody.
    if (name === "metadata" && isLeaf(inner)) continue;
    const composite = field.type.form === "map" || (field.type.form === "list" && field.listKeys !== undefined);
    set[`f:${name}`] = composite && !field.atomic && !isLeaf(inner) ? withItself(inner) : inner;
  }
  return set;
}

/**
 * The fields an object sets, as a tree.
 *
 * Example: a pod with label app=web and one container gives
 * `{"f:metadata":{"f:labels":{".":{},"f:app":{}}},"f:spec":{"f:containers":{".":{}, "k:{\"name\":\"c\"}":{".":{},"f:image":{},"f:name":{}}}}}`.
 */
export function fieldSetOf(object: Members, struct: string): FieldSet {
  return presentFields(object, struct, undefined);
}

/** The same, with SAME for each value that `old` has too. No struct of a whole object has its type among its fields. */
function presentFields(object: Members, struct: string, old: Members | undefined): FieldSet {
  return fieldsOfStruct(object, struct, old);
}

function isLeaf(set: FieldSet): boolean {
  return set === LEAF || set === SAME || Object.keys(set).length === 0;
}

/**
 * What is left of a tree when each member becomes what `keep` makes of it: the very same tree while nothing changes, undefined when nothing
 * is left.
 */
function narrowed(set: FieldSet, keep: (inner: FieldSet, key: string) => FieldSet | undefined): FieldSet | undefined {
  const keys = Object.keys(set);
  const kept = keys.map((key) => keep(set[key]!, key));
  if (kept.every((inner, index) => inner === set[keys[index]!])) return keys.length === 0 ? undefined : set;
  const result: FieldSet = {};
  kept.forEach((inner, index) => {
    if (inner !== undefined) result[keys[index]!] = inner;
  });
  return isLeaf(result) ? undefined : result;
}

/** Everything of `left` that is not in `right`; undefined when nothing is left. */
export function subtract(left: FieldSet, right: FieldSet): FieldSet | undefined {
  return narrowed(left, (inner, key) => {
    const other = right[key];
    if (other === undefined) return inner;
    return isLeaf(inner) ? undefined : subtract(inner, other);
  });
}

export function unite(left: FieldSet, right: FieldSet): FieldSet {
  const result: FieldSet = { ...left };
  for (const [key, inner] of Object.entries(right)) result[key] = result[key] ? unite(result[key], inner) : inner;
  return result;
}

/** Everything in both trees; undefined when nothing is. */
export function intersect(left: FieldSet, right: FieldSet): FieldSet | undefined {
  return narrowed(left, (inner, key) => {
    const other = right[key];
    if (other === undefined) return undefined;
    if (other === SAME || isLeaf(inner)) return inner;
    return isLeaf(other) ? other : intersect(inner, other);
  });
}

/** The member of `parent` that a step of a tree names. */
export function memberOf(parent: unknown, step: string, field: Field | undefined): unknown {
  if (parent === null || parent === undefined) return undefined;
  if (step.startsWith("f:")) return (parent as Record<string, unknown>)[step.slice(2)];
  if (step.startsWith("v:")) return Array.isArray(parent) && parent.some((member) => JSON.stringify(member) === step.slice(2)) ? step : undefined;
  if (step.startsWith("k:")) return Array.isArray(parent) ? parent.find((member) => entryKey(member, field?.listKeys ?? []) === step) : undefined;
  return parent === undefined ? undefined : ".";
}

/** Leaves of `set` whose value differs between two objects. */
export function changedLeaves(set: FieldSet, now: unknown, before: unknown, type: TypeRef, field: Field | undefined): FieldSet | undefined {
  const result: FieldSet = {};
  for (const step of Object.keys(set)) {
    const inner = set[step]!;
    const ours = memberOf(now, step, field);
    const theirs = memberOf(before, step, field);
    if (isLeaf(inner)) {
      if (!isDeepStrictEqual(ours, theirs)) result[step] = inner;
    } else {
      const next = memberType(type, step);
      const changed = changedLeaves(inner, ours, theirs, next.type, next.field);
      if (changed) result[step] = changed;
    }
  }
  return isLeaf(result) ? undefined : result;
}

/** The type a step leads to. */
export function memberType(type: TypeRef, step: string): { type: TypeRef; field: Field | undefined } {
  if (type.form === "struct" && step.startsWith("f:")) {
    const field = structOf(type.struct).fields.get(step.slice(2));
    return { type: field?.type ?? { form: "raw", goName: "" }, field };
  }
  if (type.form === "map") return { type: type.value, field: undefined };
  if (type.form === "list") return { type: type.element, field: undefined };
  return { type, field: undefined };
}

/** Who writes: the entry of managedFields the write belongs to. */
export interface Manager {
  readonly manager: string;
  readonly operation: "Apply" | "Update";
  readonly apiVersion: string;
  readonly subresource?: string;
  /** RFC 3339. */
  readonly time: string;
}

function isEntryOf(entry: ManagedFieldsEntry, manager: Manager): boolean {
  return entry.manager === manager.manager && entry.operation === manager.operation && entry.apiVersion === manager.apiVersion && (entry.subresource ?? "") === (manager.subresource ?? "");
}

/** One entry in the order of its keys on the wire. */
function entryOf(manager: Manager, fieldsV1: FieldSet): ManagedFieldsEntry {
  return { manager: manager.manager, operation: manager.operation, apiVersion: manager.apiVersion, time: manager.time, fieldsType: "FieldsV1", fieldsV1, ...(manager.subresource ? { subresource: manager.subresource } : {}) };
}

/** The fields of `object`, which has `present`, that differ from `old`: changed and new ones. */
function changedFields(object: ApiObject, present: FieldSet, old: ApiObject | undefined, struct: string): FieldSet | undefined {
  if (!old) return isLeaf(present) ? undefined : present;
  return changedLeaves(present, object, old, { form: "struct", struct, goName: "" }, undefined);
}

/** The entry with other fields, the very same one where they are its own; none without any. */
function withFields(entry: ManagedFieldsEntry, fieldsV1: FieldSet | undefined): ManagedFieldsEntry[] {
  if (fieldsV1 === entry.fieldsV1) return [entry];
  return fieldsV1 ? [{ ...entry, fieldsV1 }] : [];
}

/** Takes fields away from everybody; entries that own nothing any more are dropped. */
function releaseFields(entries: readonly ManagedFieldsEntry[], fields: FieldSet): ManagedFieldsEntry[] {
  return entries.flatMap((entry) => {
    return withFields(entry, subtract(entry.fieldsV1, fields));
  });
}

/**
 * managedFields after an ordinary write: the writer owns what it changed, the others keep the rest of what still exists.
 *
 * `isKept`: the entries of `old` name nothing that it does not have, so that where a value is the very same they can stay as they are.
 * Who applies may name more than is there.
 */
export function afterUpdate(object: ApiObject, old: ApiObject | undefined, struct: string, manager: Manager, isKept = false): ManagedFieldsEntry[] {
  const entries = old?.metadata.managedFields ?? [];
  const present = presentFields(object, struct, isKept && entries.every(({ operation }) => operation === "Update") ? old : undefined);
  const changed = changedFields(object, present, old, struct);
  // Who changes nothing keeps his place: a write that says what is there already must leave the object as it is.
  if (!changed) return keptOf(entries, present);
  const mine = entries.find((entry) => isEntryOf(entry, manager));
  const others = keptOf(releaseFields(entries.filter((entry) => entry !== mine), changed), present);
  const keptMine = mine ? intersect(mine.fieldsV1, present) : undefined;
  return [...others, entryOf(manager, keptMine ? unite(keptMine, changed) : changed)];
}

/** What is still there of what everybody manages. */
function keptOf(entries: readonly ManagedFieldsEntry[], present: FieldSet): ManagedFieldsEntry[] {
  return entries.flatMap((entry) => {
    return withFields(entry, intersect(entry.fieldsV1, present));
  });
}

/** managedFields after server-side apply: the applier's entry is exactly what it applied; the others keep what still exists. */
export function afterApply(object: ApiObject, entries: readonly ManagedFieldsEntry[], struct: string, applied: FieldSet, manager: Manager, taken: FieldSet | undefined): ManagedFieldsEntry[] {
  const present = fieldSetOf(object, struct);
  const before = entries.find((entry) => isEntryOf(entry, manager));
  // Who applies the same again keeps his place.
  if (before && !taken && isDeepStrictEqual(before.fieldsV1, applied)) return entries.flatMap((entry) => (entry === before ? [before] : keptOf([entry], present)));
  const others = entries.filter((entry) => entry !== before);
  const kept = keptOf(taken ? releaseFields(others, taken) : others, present);
  return [before && isDeepStrictEqual(before.fieldsV1, applied) ? before : entryOf(manager, applied), ...kept];
}

/** The entry of one manager, if it has one. */
export function entryOfManager(entries: readonly ManagedFieldsEntry[], manager: Manager): ManagedFieldsEntry | undefined {
  return entries.find((entry) => isEntryOf(entry, manager));
}

/** Leaves of `set` as paths: `.spec.containers[name="c"].image`. */
export function pathsOf(set: FieldSet, at = ""): string[] {
  return Object.entries(set).flatMap(([step, inner]) => {
    const here = step === "." ? at : step.startsWith("f:") ? `${at}.${step.slice(2)}` : `${at}[${keyText(step)}]`;
    return isLeaf(inner) ? [here] : pathsOf(inner, here);
  });
}

function keyText(step: string): string {
  if (step.startsWith("v:")) return `=${step.slice(2)}`;
  return Object.entries(JSON.parse(step.slice(2)) as Record<string, unknown>)
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join(",");
}
