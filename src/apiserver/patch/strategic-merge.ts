import { isDeepStrictEqual } from "node:util";
import { badRequest } from "../errors.js";
import { type Field, structOf, type TypeRef } from "../schema/schema.js";

type Json = unknown;
type JsonObject = Record<string, Json>;

const DIRECTIVE = "$patch";
const RETAIN_KEYS = "$retainKeys";
const DELETE_FROM = "$deleteFromPrimitiveList/";
const ORDER = "$setElementOrder/";

function isObject(value: Json): value is JsonObject {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

function directiveOf(patch: JsonObject): string | undefined {
  const directive = patch[DIRECTIVE];
  if (directive === undefined) return undefined;
  if (directive === "replace" || directive === "delete" || directive === "merge") return directive;
  throw badRequest(`invalid value for special key: ${DIRECTIVE}`);
}

function without(object: JsonObject, ...keys: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key)));
}

/** A patch's content where there is nothing to merge it with: directives and nulls go. */
function plain(value: Json): Json {
  if (Array.isArray(value)) return value.filter((member) => !(isObject(member) && member[DIRECTIVE] === "delete")).map(plain);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key, member]) => member !== null && key !== DIRECTIVE && key !== RETAIN_KEYS && !key.startsWith(DELETE_FROM) && !key.startsWith(ORDER))
      .map(([key, member]) => [key, plain(member)]),
  );
}

function keyOf(item: Json, mergeKey: string): Json {
  if (mergeKey === "") return item;
  if (!isObject(item) || item[mergeKey] === undefined) throw badRequest(`map: ${JSON.stringify(item)} does not contain declared merge key: ${mergeKey}`);
  return item[mergeKey];
}

function positionIn(order: readonly Json[], item: Json, mergeKey: string): number {
  const key = keyOf(item, mergeKey);
  return order.findIndex((candidate) => isDeepStrictEqual(keyOf(candidate, mergeKey), key));
}

/**
 * Puts a merged list into the order the client wants; what only the server has stays where it was relative to the rest.
 *
 * Server `[a, x, b]`, wanted `[b, a]`: gives `[b, a, x]` (x stood after a).
 */
function ordered(merged: readonly Json[], server: readonly Json[], order: readonly Json[], mergeKey: string): Json[] {
  const wanted = merged.filter((item) => positionIn(order, item, mergeKey) >= 0).sort((left, right) => positionIn(order, left, mergeKey) - positionIn(order, right, mergeKey));
  const own = merged.filter((item) => positionIn(order, item, mergeKey) < 0);
  const result: Json[] = [];
  while (wanted.length > 0 && own.length > 0) {
    const left = positionIn(server, wanted[0], mergeKey);
    const right = positionIn(server, own[0], mergeKey);
    result.push(left >= 0 && right >= 0 && left < right ? wanted.shift() : own.shift());
  }
  return [...result, ...wanted, ...own];
}

function mergeScalars(server: readonly Json[], patch: readonly Json[]): Json[] {
  return [...server, ...patch.filter((item) => !server.some((known) => isDeepStrictEqual(known, item)))];
}

function mergeStructs(server: readonly Json[], patch: readonly Json[], mergeKey: string, element: TypeRef): Json[] {
  const items = patch.filter(isObject);
  if (items.some((item) => item[DIRECTIVE] === "replace")) return items.filter((item) => item[DIRECTIVE] !== "replace").map(plain);
  let result = [...server];
  for (const item of items) {
    const key = keyOf(item, mergeKey);
    if (directiveOf(item) === "delete") {
      result = result.filter((known) => !isDeepStrictEqual(keyOf(known, mergeKey), key));
      continue;
    }
    const content = without(item, DIRECTIVE);
    const at = result.findIndex((known) => isDeepStrictEqual(keyOf(known, mergeKey), key));
    if (at < 0) result.push(plain(content));
    else result[at] = mergeObject(result[at] as JsonObject, content, element);
  }
  return result;
}

function mergeList(server: readonly Json[], patch: readonly Json[], field: Field): Json[] {
  const element = field.type.form === "list" ? field.type.element : field.type;
  return field.mergeKey === "" ? mergeScalars(server, patch) : mergeStructs(server, patch, field.mergeKey!, element);
}

function fieldOf(type: TypeRef, name: string): { readonly field: Field | undefined; readonly type: TypeRef } {
  const unknown: TypeRef = { form: "raw", goName: "" };
  if (type.form === "struct") {
    const field = structOf(type.struct).fields.get(name);
    return { field, type: field?.type ?? unknown };
  }
  if (type.form === "map") return { field: undefined, type: type.value };
  return { field: undefined, type: unknown };
}

/** Keys of `$retainKeys`: everything else the object has goes (unions such as volumes and strategies). */
function retained(server: JsonObject, patch: JsonObject): JsonObject {
  const keys = patch[RETAIN_KEYS];
  if (keys === undefined) return server;
  if (!Array.isArray(keys)) throw badRequest(`invalid patch format of retainKeys`);
  return Object.fromEntries(Object.entries(server).filter(([key]) => keys.includes(key)));
}

function mergeObject(server: JsonObject, patch: JsonObject, type: TypeRef): JsonObject {
  const directive = directiveOf(patch);
  if (directive === "replace") return plain(patch) as JsonObject;
  if (directive === "delete") return {};
  const result = { ...retained(server, patch) };
  const orders = new Map<string, readonly Json[]>();
  for (const [key, value] of Object.entries(patch)) {
    if (key === DIRECTIVE || key === RETAIN_KEYS) continue;
    if (key.startsWith(ORDER)) {
      if (!Array.isArray(value)) throw badRequest(`invalid patch format of setElementOrder list`);
      orders.set(key.slice(ORDER.length), value);
    } else if (key.startsWith(DELETE_FROM)) {
      const name = key.slice(DELETE_FROM.length);
      if (!Array.isArray(value)) throw badRequest(`invalid patch format of deleteFromPrimitiveList`);
      if (Array.isArray(result[name])) result[name] = (result[name] as Json[]).filter((item) => !value.some((gone) => isDeepStrictEqual(gone, item)));
    } else if (value === null) delete result[key];
    else result[key] = mergeMember(result[key], value, key, type);
  }
  for (const [name, order] of orders) {
    const { field } = fieldOf(type, name);
    if (field?.mergeKey === undefined || !Array.isArray(result[name])) continue;
    result[name] = ordered(result[name] as Json[], (server[name] ?? []) as Json[], order, field.mergeKey);
  }
  return result;
}

function mergeMember(server: Json, patch: Json, name: string, parent: TypeRef): Json {
  const { field, type } = fieldOf(parent, name);
  if (isObject(patch)) return isObject(server) ? mergeObject(server, patch, type) : directiveOf(patch) === "delete" ? {} : plain(patch);
  if (!Array.isArray(patch)) return patch;
  if (field?.mergeKey === undefined) return plain(patch);
  return mergeList(Array.isArray(server) ? (server as Json[]) : [], patch as Json[], field);
}

/**
 * Strategic merge patch: lists of structs merge by their key, as the API's types say.
 *
 * Containers `[{name:a,image:1},{name:b,image:1}]` patched with `[{name:a,image:2},{name:b,$patch:delete}]` gives
 * `[{name:a,image:2}]`; the same patch as JSON merge patch would replace the list.
 */
export function strategicMergePatch(target: JsonObject, patch: Json, struct: string): JsonObject {
  if (!isObject(patch)) throw badRequest("error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}");
  return mergeObject(target, patch, { form: "struct", struct, goName: struct });
}
