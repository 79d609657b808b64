import { createFileRegistry, type DescField, type DescMessage, type DescMethod, fromBinary, fromJson, type JsonObject, type JsonValue, toBinary, toJson } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { readContractsImage } from "./contracts-image.js";

/** The JSON of a request cannot be read; the message says why. */
export class JsonMappingError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = "JsonMappingError";
  }
}

/** How one method's messages look in JSON (proto3 JSON with the field names of the proto files, as etcd's gateway has it). */
export interface MethodJson {
  /** The bytes of the request that a text describes; a request without text is empty. Throws JsonMappingError. */
  readonly requestBytes: (text: string) => Uint8Array;
  /** The text of a response's bytes. */
  readonly responseText: (bytes: Uint8Array) => string;
}

let contracts: ReturnType<typeof createFileRegistry> | undefined;

/** The mapping of a method by its path, `/etcdserverpb.KV/Range`; it is read from the contracts, so no field is named by hand. */
export function methodJson(path: string): MethodJson {
  // Reading all contracts takes a few milliseconds, which a server spends when it is first asked.
  contracts ??= createFileRegistry(fromBinary(FileDescriptorSetSchema, readContractsImage()));
  const [, service = "", name = ""] = path.split("/");
  const method = contracts.getService(service)?.methods.find((each: DescMethod) => each.name === name);
  if (method === undefined) throw new Error(`${path} is no method of the contracts`);
  return {
    requestBytes: (text) => requestBytes(method.input, text),
    responseText: (bytes) => escaped(JSON.stringify(toJson(method.output, fromBinary(method.output, bytes), { useProtoFieldName: true }))),
  };
}

function requestBytes(type: DescMessage, text: string): Uint8Array {
  const value = text.trim() === "" ? {} : (parse(text) ?? {});
  if (typeof value !== "object" || Array.isArray(value)) {
    throw new JsonMappingError(`json: cannot unmarshal ${Array.isArray(value) ? "array" : typeof value} into Go value of type map[string]json.RawMessage`);
  }
  try {
    return toBinary(type, fromJson(type, known(type, value)));
  } catch (error) {
    if (error instanceof JsonMappingError) throw error;
    throw new JsonMappingError((error as Error).message, error);
  }
}

/** Integers that a double cannot hold, outside of strings. */
const LONG_INTEGER = /"(?:[^"\\]|\\.)*"|-?\d{16,}(?![\d.eE])/g;

/** Parses without rounding: an id of 64 bits that was not written as a string is one now. */
function parse(text: string): JsonValue {
  try {
    return JSON.parse(text.replaceAll(LONG_INTEGER, (found) => (found.startsWith('"') ? found : `"${found}"`))) as JsonValue;
  } catch (error) {
    throw new JsonMappingError((error as Error).message, error);
  }
}

/** The value without the fields that its type does not have: etcd's gateway ignores them, but not unknown names of enum values. */
function known(type: DescMessage, value: JsonObject): JsonObject {
  const kept: JsonObject = {};
  for (const [name, given] of Object.entries(value)) {
    const field = type.fields.find((each) => each.name === name || each.jsonName === name);
    if (field !== undefined && given !== null && given !== undefined) kept[name] = knownValue(field, given);
  }
  return kept;
}

function knownValue(field: DescField, value: JsonValue): JsonValue {
  if (Array.isArray(value)) return field.fieldKind === "list" ? value.map((each) => knownSingle(field, each)) : value;
  return knownSingle(field, value);
}

function knownSingle(field: DescField, value: JsonValue): JsonValue {
  if (field.message !== undefined) return typeof value === "object" && value !== null && !Array.isArray(value) ? known(field.message, value) : value;
  if (field.enum !== undefined && typeof value === "string" && !field.enum.values.some(({ name }) => name === value)) {
    throw new JsonMappingError(`unknown value ${JSON.stringify(value)} for enum ${goName(field.enum.typeName)}`);
  }
  return value;
}

/** `etcdserverpb.RangeRequest.SortOrder` as Go registers it: `etcdserverpb.RangeRequest_SortOrder`. */
function goName(typeName: string): string {
  const [pack = "", ...names] = typeName.split(".");
  return `${pack}.${names.join("_")}`;
}

/** Go writes these so, for the sake of pages that hold JSON. */
const ESCAPES: Readonly<Record<string, string>> = { "<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029" };

/** JSON text as Go's encoder writes it. */
export function escaped(json: string): string {
  return json.replaceAll(/[<>&\u2028\u2029]/g, (found) => ESCAPES[found] as string);
}
