import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";

/** The JSON of a request cannot be read; the message says why, in Go's words where Go has them. */
export class JsonMappingError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = "JsonMappingError";
  }
}

type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** Messages within messages: a Txn may be nested 128 deep, each level being two messages, and what holds more is for its service to refuse. */
const MAX_DEPTH = 300;

/**
 * The bytes of the message that a JSON text describes, as Go's jsonpb reads it: fields by their name in the proto file or in lower camel
 * case, unknown ones ignored; 64-bit integers as strings or numbers; enum values by name or number; null means absent; no text, no fields.
 */
export function requestBytes(type: DescMessage, text: string): Uint8Array {
  const value = text.trim() === "" ? {} : (parse(text) ?? {});
  return encode(type, object(value), 0);
}

/** Integers that a double cannot hold, outside of strings. */
const LONG_INTEGER = /"(?:[^"\\]|\\.)*"|-?\d{16,}(?![\d.eE])/g;

/** Parses without rounding: an id of 64 bits that was not written as a string is one now. */
function parse(text: string): Json {
  try {
    return JSON.parse(/(?<!["\d])-?\d{16}/.test(text) ? text.replaceAll(LONG_INTEGER, (found) => (found.startsWith('"') ? found : `"${found}"`)) : text) as Json;
  } catch (error) {
    throw new JsonMappingError((error as Error).message, error);
  }
}

function encode(type: DescMessage, value: Readonly<Record<string, Json>>, depth: number): Uint8Array {
  if (depth > MAX_DEPTH) throw new JsonMappingError("exceeded max recursion depth");
  const writer = new BinaryWriter();
  for (const field of type.fields) {
    const given = Object.hasOwn(value, field.name) ? value[field.name] : Object.hasOwn(value, field.jsonName) ? value[field.jsonName] : undefined;
    if (given === undefined || given === null) continue;
    if (field.fieldKind === "list") for (const each of list(given)) write(field, each, writer, depth);
    else write(field, given, writer, depth);
  }
  return writer.finish();
}

function write(field: DescField, value: Json, writer: BinaryWriter, depth: number): void {
  if (field.message !== undefined) writer.tag(field.number, WireType.LengthDelimited).bytes(encode(field.message, object(value), depth + 1));
  else if (field.enum !== undefined) writer.tag(field.number, WireType.Varint).int32(enumNumber(field, value));
  else if (field.scalar === ScalarType.STRING) writer.tag(field.number, WireType.LengthDelimited).string(text(value, "string"));
  else if (field.scalar === ScalarType.BYTES) writer.tag(field.number, WireType.LengthDelimited).bytes(base64(text(value, "[]uint8")));
  else if (field.scalar === ScalarType.BOOL) writer.tag(field.number, WireType.Varint).bool(truth(value));
  else if (field.scalar === ScalarType.INT64) writer.tag(field.number, WireType.Varint).int64(integer(value, "int64", -(2n ** 63n), 2n ** 63n));
  else if (field.scalar === ScalarType.UINT64) writer.tag(field.number, WireType.Varint).uint64(integer(value, "uint64", 0n, 2n ** 64n));
  else if (field.scalar === ScalarType.INT32) writer.tag(field.number, WireType.Varint).int32(Number(integer(value, "int32", -(2n ** 31n), 2n ** 31n)));
  else if (field.scalar === ScalarType.UINT32) writer.tag(field.number, WireType.Varint).uint32(Number(integer(value, "uint32", 0n, 2n ** 32n)));
  else throw new Error(`${field.toString()} is of a type that no contract of etcd has`);
}

function kindOf(value: Json): string {
  if (Array.isArray(value)) return "array";
  return typeof value === "boolean" ? "bool" : typeof value;
}

function wrong(value: Json, wanted: string): JsonMappingError {
  return new JsonMappingError(`json: cannot unmarshal ${kindOf(value)} into Go value of type ${wanted}`);
}

function object(value: Json): Readonly<Record<string, Json>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw wrong(value, "map[string]json.RawMessage");
  return value as Readonly<Record<string, Json>>;
}

function list(value: Json): readonly Json[] {
  if (!Array.isArray(value)) throw wrong(value, "[]json.RawMessage");
  return value as readonly Json[];
}

function text(value: Json, wanted: string): string {
  if (typeof value !== "string") throw wrong(value, wanted);
  return value;
}

function truth(value: Json): boolean {
  if (typeof value !== "boolean") throw wrong(value, "bool");
  return value;
}

function base64(value: string): Buffer {
  const bad = value.search(/[^A-Za-z0-9+/]/);
  const padded = bad < 0 ? value.length % 4 === 0 : value.length % 4 === 0 && value.length - bad <= 2 && /^={1,2}$/.test(value.slice(bad));
  if (!padded) throw new JsonMappingError(`illegal base64 data at input byte ${bad < 0 ? value.length - (value.length % 4) : bad}`);
  return Buffer.from(value, "base64");
}

function integer(value: Json, wanted: string, least: bigint, end: bigint): bigint {
  const written = typeof value === "number" ? String(value) : typeof value === "string" ? value : undefined;
  if (written === undefined) throw wrong(value, wanted);
  const number = /^-?\d{1,20}$/.test(written) ? BigInt(written) : undefined;
  if (number === undefined || number < least || number >= end) throw new JsonMappingError(`json: cannot unmarshal ${typeof value} ${written} into Go value of type ${wanted}`);
  return number;
}

function enumNumber(field: DescField & { readonly enum: NonNullable<DescField["enum"]> }, value: Json): number {
  if (typeof value === "number" && Number.isInteger(value) && Math.abs(value) < 2 ** 31) return value;
  const found = field.enum.values.find(({ name }) => name === value);
  if (found === undefined) throw new JsonMappingError(`unknown value ${JSON.stringify(value)} for enum ${goName(field.enum.typeName)}`);
  return found.number;
}

/** `etcdserverpb.RangeRequest.SortOrder` as Go registers it: `etcdserverpb.RangeRequest_SortOrder`. */
function goName(typeName: string): string {
  const [pack = "", ...names] = typeName.split(".");
  return `${pack}.${names.join("_")}`;
}
