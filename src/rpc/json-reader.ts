import { type DescEnum, type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { type GoJson, parseGoJson, stringOf, wholeGoJson } from "./go-json.js";
import { base64Bytes } from "./json-bytes.js";
import { JsonMappingError } from "./json-mapping-error.js";
import { type Slices, STEPS_PER_SLICE } from "../base/slices.js";

type Fields = ReadonlyMap<string, GoJson>;

const NO_FIELDS: Fields = new Map();

/**
 * The bytes of the message that a JSON text describes, as the jsonpb of etcd 3.5 reads it: fields by their name in the proto file or in
 * lower camel case, unknown ones ignored; integers as strings or numbers without point and exponent; enum values by name or number; bytes in
 * base64 or as a list of numbers; null means absent; no text, no fields. Messages may lie in each other as deep as JSON does.
 */
export function* requestBytes(type: DescMessage, text: Buffer): Slices<Buffer> {
  const bytes = text.toString("latin1");
  const value = /^[ \t\r\n]*$/.test(bytes) ? undefined : yield* parseGoJson(bytes);
  return yield* encode(type, value === undefined || value.kind === "null" ? NO_FIELDS : fieldsOf(value));
}

/** A field and one value of it. */
interface Given {
  readonly field: DescField;
  readonly value: GoJson;
  /** Stands for a list and is none; refused in its turn, as a field before it may be wrong too. */
  readonly noList: boolean;
}

/** A message that is being written. */
interface Open {
  readonly given: readonly Given[];
  next: number;
  /** Its length's place among the parts, and the size of what stands before it. */
  readonly part: number;
  readonly startBytes: number;
}

/** Without recursion, and without copying a message into the one around it: both would make deep ones dear. */
function* encode(type: DescMessage, fields: Fields): Slices<Buffer> {
  const parts: Uint8Array[] = [];
  let sizeBytes = 0;
  const add = (bytes: Uint8Array): void => {
    parts.push(bytes);
    sizeBytes += bytes.length;
  };
  const writer = new BinaryWriter();
  const open: Open[] = [{ given: given(type, fields), next: 0, part: -1, startBytes: 0 }];
  for (let step = 1; ; step += 1) {
    if (step % STEPS_PER_SLICE === 0) yield;
    const message = open.at(-1) as Open;
    const each = message.given[message.next];
    message.next += 1;
    if (each === undefined) {
      add(writer.finish());
      open.pop();
      if (message.part < 0) return Buffer.concat(parts, sizeBytes);
      const length = new BinaryWriter().uint32(sizeBytes - message.startBytes).finish();
      parts[message.part] = length;
      sizeBytes += length.length;
      continue;
    }
    const { field, value } = each;
    if (each.noList) throw wrong(value, "[]json.RawMessage");
    if (field.message === undefined) writeScalar(field, value, writer);
    else {
      const inner = value.kind === "null" ? NO_FIELDS : fieldsOf(value);
      add(writer.tag(field.number, WireType.LengthDelimited).finish());
      open.push({ given: given(field.message, inner), next: 0, part: parts.length, startBytes: sizeBytes });
      parts.push(NOTHING);
    }
  }
}

const NOTHING = new Uint8Array(0);

/** The fields of a message that are there, in the order of the proto file, each value of a list by itself. */
function given(type: DescMessage, fields: Fields): Given[] {
  const found: Given[] = [];
  if (fields.size === 0) return found;
  for (const field of type.fields) {
    // Where both names are there, the second one counts.
    const value = fields.get(field.jsonName) ?? fields.get(field.name);
    if (value === undefined || value.kind === "null") continue;
    if (field.fieldKind === "list" && value.kind === "array") for (const each of value.items) found.push({ field, value: each, noList: false });
    else found.push({ field, value, noList: field.fieldKind === "list" });
  }
  return found;
}

function writeScalar(field: DescField, value: GoJson, writer: BinaryWriter): void {
  if (field.enum !== undefined) writer.tag(field.number, WireType.Varint).int32(enumNumber(field.enum, value));
  else if (field.scalar === ScalarType.STRING) writer.tag(field.number, WireType.LengthDelimited).string(textOf(value));
  else if (field.scalar === ScalarType.BYTES) writer.tag(field.number, WireType.LengthDelimited).bytes(bytesOf(value));
  else if (field.scalar === ScalarType.BOOL) writer.tag(field.number, WireType.Varint).bool(truth(value));
  else if (field.scalar === ScalarType.INT64) writer.tag(field.number, WireType.Varint).int64(integer(value, "int64", -(2n ** 63n), 2n ** 63n));
  else if (field.scalar === ScalarType.UINT64) writer.tag(field.number, WireType.Varint).uint64(integer(value, "uint64", 0n, 2n ** 64n));
  else if (field.scalar === ScalarType.INT32) writer.tag(field.number, WireType.Varint).int32(Number(integer(value, "int32", -(2n ** 31n), 2n ** 31n)));
  else if (field.scalar === ScalarType.UINT32) writer.tag(field.number, WireType.Varint).uint32(Number(integer(value, "uint32", 0n, 2n ** 32n)));
  else throw new Error(`${field.toString()} is of a type that no contract of etcd has`);
}

function wrong(value: GoJson, wanted: string): JsonMappingError {
  return new JsonMappingError(`json: cannot unmarshal ${value.kind} into Go value of type ${wanted}`);
}

function fieldsOf(value: GoJson): Fields {
  if (value.kind !== "object") throw wrong(value, "map[string]json.RawMessage");
  return value.fields;
}

function textOf(value: GoJson): string {
  if (value.kind === "null") return "";
  if (value.kind !== "string") throw wrong(value, "string");
  return stringOf(value.raw);
}

function truth(value: GoJson): boolean {
  if (value.kind === "null") return false;
  if (value.kind !== "bool") throw wrong(value, "bool");
  return value.raw === "true";
}

function bytesOf(value: GoJson): Uint8Array {
  if (value.kind === "null") return NOTHING;
  if (value.kind === "array") return Uint8Array.from(value.items, (each) => Number(integer(each, "uint8", 0n, 256n)));
  if (value.kind !== "string") throw wrong(value, "[]uint8");
  return base64Bytes(stringOf(value.raw));
}

/** jsonpb takes the quotes off a string and reads what is left as JSON, whatever that is. */
function integer(value: GoJson, wanted: string, least: bigint, end: bigint): bigint {
  const written = value.kind === "string" && wanted !== "uint8" ? wholeGoJson(value.raw.slice(1, -1)) : value;
  if (written.kind === "null") return 0n;
  if (written.kind !== "number") throw wrong(written, wanted);
  const number = /^-?\d{1,20}$/.test(written.raw) ? BigInt(written.raw) : undefined;
  if (number === undefined || number < least || number >= end) throw new JsonMappingError(`json: cannot unmarshal number ${written.raw} into Go value of type ${wanted}`);
  return number;
}

function enumNumber(type: DescEnum, value: GoJson): number {
  if (value.kind === "null") return 0;
  if (value.kind !== "string") return Number(integer(value, "protoreflect.EnumNumber", -(2n ** 31n), 2n ** 31n));
  const found = type.values.find(({ name }) => `"${name}"` === value.raw);
  if (found === undefined) throw new JsonMappingError(`unknown value ${JSON.stringify(Buffer.from(value.raw, "latin1").toString("utf8"))} for enum ${type.typeName}`);
  return found.number;
}
