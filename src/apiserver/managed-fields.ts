import { isDeepStrictEqual } from "node:util";
import type { ApiObject, FieldSet, ManagedFieldsEntry } from "./object.js";
import { type Field, structOf, type TypeRef } from "./schema/schema.js";

/** Metadata the server owns; nobody manages it. */
const UNMANAGED = new Set(["name", "namespace", "uid", "selfLink", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "managedFields"]);

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
  if (field?.atomic) return {};
  if (value === old && value !== null && typeof value === "object") return SAME;
  if (type.form === "struct" && value !== null && typeof value === "object") return fieldsOfStruct(value as Record<string, unknown>, type.struct, old as Members | undefined);
  if (type.form === "map" && value !== null && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [`f:${key}`, fieldsOfValue(member, type.value, undefined)]));
  }
  if (type.form === "raw" && value !== null && typeof value === "object" && !Array.isArray(value)) {
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [`f:${key}`, fieldsOfValue(member, type, undefined)]));
  }
  if (type.form === "list" && field?.listKeys && Array.isArray(value)) {
    const keys = field.listKeys;
    if (keys.length === 0) return Object.fromEntries(value.map((member) => [`v:${JSON.stringify(member)}`, {}]));
    return Object.fromEntries(value.map((member) => [entryKey(member, keys), { ".": {}, ...fieldsOfValue(member, type.element, undefined) }]));
  }
  return {};
}

function fieldsOfStruct(value: Members, key: string, old: Members | undefined): FieldSet {
  const struct = structOf(key);
  const set: FieldSet = {};
  for (const [name, member] of Object.entries(value)) {
    const field = struct.fields.get(name);
    if (!field || member === undefined || member === null) continue;
    if (key === "meta.ObjectMeta" && UNMANAGED.has(name)) continue;
    const inner = fieldsOfValue(member, field.type, field, old?.[name]);
    // Metadata that only says what the server set is managed by nobody.
    if (name === "metadata" && isLeaf(inner)) continue;
    const composite = field.type.form === "map" || (field.type.form === "list" && field.listKeys !== undefined);
    set[`f:${name}`] = composite && !field.atomic && Object.keys(inner).length > 0 ? { ".": {}, ...inner } : inner;
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

/** The same, with SAME for each value that `old` has too. */
function presentFields(object: Members, struct: string, old: Members | undefined): FieldSet {
  const { apiVersion: _version, kind: _kind, ...rest } = object;
  return fieldsOfStruct(rest, struct, old);
}

function isLeaf(set: FieldSet): boolean {
  return Object.keys(set).length === 0;
}

/** Everything of `left` that is not in `right`; undefined when nothing is left. */
export function subtract(left: FieldSet, right: FieldSet): FieldSet | undefined {
  const result: FieldSet = {};
  for (const [key, inner] of Object.entries(left)) {
    const other = right[key];
    if (other === undefined) result[key] = inner;
    else if (!isLeaf(inner)) {
      const rest = subtract(inner, other);
      if (rest) result[key] = rest;
    }
  }
  return isLeaf(result) ? undefined : result;
}

export function unite(left: FieldSet, right: FieldSet): FieldSet {
  const result: FieldSet = { ...left };
  for (const [key, inner] of Object.entries(right)) result[key] = result[key] ? unite(result[key], inner) : inner;
  return result;
}

/** Everything in both trees; undefined when nothing is. */
export function intersect(left: FieldSet, right: FieldSet): FieldSet | undefined {
  const result: FieldSet = {};
  for (const [key, inner] of Object.entries(left)) {
    const other = right[key];
    if (other === undefined) continue;
    if (other === SAME) result[key] = inner;
    else if (isLeaf(inner) || isLeaf(other)) result[key] = isLeaf(inner) ? inner : other;
    else {
      const both = intersect(inner, other);
      if (both) result[key] = both;
    }
  }
  return isLeaf(result) ? undefined : result;
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
  for (const [step, inner] of Object.entries(set)) {
    const next = memberType(type, step);
    const ours = memberOf(now, step, field);
    const theirs = memberOf(before, step, field);
    if (isLeaf(inner)) {
      if (!isDeepStrictEqual(ours, theirs)) result[step] = inner;
    } else {
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

/** Takes fields away from everybody; entries that own nothing any more are dropped. */
function releaseFields(entries: readonly ManagedFieldsEntry[], fields: FieldSet): ManagedFieldsEntry[] {
  return entries.flatMap((entry) => {
    const left = subtract(entry.fieldsV1, fields);
    return left ? [{ ...entry, fieldsV1: left }] : [];
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
    const fieldsV1 = intersect(entry.fieldsV1, present);
    return fieldsV1 ? [{ ...entry, fieldsV1 }] : [];
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
