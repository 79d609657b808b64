import { entryKey, memberOf, memberType } from "../managed-fields.js";
import type { FieldSet } from "../object.js";
import { type Field, structOf, type TypeRef } from "../schema/schema.js";

type Json = unknown;

function isObject(value: Json): value is Record<string, Json> {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

function mergeList(live: readonly Json[], applied: readonly Json[], field: Field, element: TypeRef): Json[] {
  const keys = field.listKeys!;
  if (keys.length === 0) return [...live, ...applied.filter((item) => !live.includes(item))];
  const result = [...live];
  for (const item of applied) {
    const key = entryKey(item, keys);
    const at = result.findIndex((known) => entryKey(known, keys) === key);
    if (at < 0) result.push(item);
    else result[at] = mergeValue(result[at], item, element, undefined);
  }
  return result;
}

function mergeValue(live: Json, applied: Json, type: TypeRef, field: Field | undefined): Json {
  if (field?.atomic || live === undefined) return applied;
  if (Array.isArray(applied)) {
    if (type.form === "list" && field?.listKeys && Array.isArray(live)) return mergeList(live, applied, field, type.element);
    return applied;
  }
  if (!isObject(applied) || !isObject(live)) return applied;
  const result = { ...live };
  for (const [name, value] of Object.entries(applied)) {
    const inner = type.form === "struct" ? structOf(type.struct).fields.get(name) : undefined;
    const next = type.form === "struct" ? (inner?.type ?? type) : type.form === "map" ? type.value : type;
    result[name] = mergeValue(result[name], value, next, inner);
  }
  return result;
}

/**
 * What an object becomes when somebody applies a part of it: what he names is set, the rest stays.
 *
 * Containers `[{name:a,image:1},{name:b}]` with `[{name:a,image:2}]` applied gives `[{name:a,image:2},{name:b}]`.
 */
export function applyMerge(live: Record<string, Json>, applied: Record<string, Json>, struct: string): Record<string, Json> {
  return mergeValue(live, applied, { form: "struct", struct, goName: struct }, undefined) as Record<string, Json>;
}

/** Takes the fields of `set` out of `target`, which is changed; entries and maps that it empties go too. */
export function removeFields(target: Json, set: FieldSet, type: TypeRef, field?: Field): void {
  for (const [step, inner] of Object.entries(set)) {
    const member = memberOf(target, step, field);
    if (step === "." || member === undefined) continue;
    const next = memberType(type, step);
    const { ".": itself, ...below } = inner;
    if (Object.keys(below).length > 0) removeFields(member, below, next.type, next.field);
    const isWhole = Object.keys(inner).length === 0 || itself !== undefined;
    if (isWhole) removeMember(target, step, member, Object.keys(inner).length === 0);
  }
}

function removeMember(target: Json, step: string, member: Json, always: boolean): void {
  if (step.startsWith("f:")) {
    const isEmpty = member !== null && typeof member === "object" && Object.keys(member).length === 0;
    if (always || isEmpty) delete (target as Record<string, Json>)[step.slice(2)];
    return;
  }
  const list = target as Json[];
  const at = step.startsWith("v:") ? list.findIndex((item) => JSON.stringify(item) === step.slice(2)) : list.indexOf(member);
  if (at >= 0) list.splice(at, 1);
}
