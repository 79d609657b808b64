import { type DescEnum, type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";

/** Fields of a type by number. */
const fieldsOf = new WeakMap<DescMessage, ReadonlyMap<number, DescField>>();

/**
 * The JSON of a message's bytes as Go's jsonpb writes it: names as in the proto file, in its order; fields that hold their zero are left
 * out; bytes in base64, 64-bit integers and enum values as strings. Straight from bytes to text, because an answer may be megabytes.
 */
export function messageText(type: DescMessage, bytes: Uint8Array): string {
  let fields = fieldsOf.get(type);
  if (fields === undefined) fieldsOf.set(type, (fields = new Map(type.fields.map((field) => [field.number, field]))));
  const found = new Map<number, string[]>();
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    const field = fields.get(number);
    if (field === undefined) {
      reader.skip(wireType);
      continue;
    }
    const values = field.fieldKind === "list" ? (found.get(number) ?? []) : [];
    if (field.fieldKind === "list" && wireType === WireType.LengthDelimited && isPackable(field)) {
      for (const end = reader.uint32() + reader.pos; reader.pos < end; ) values.push(valueText(field, reader));
    } else values.push(valueText(field, reader));
    found.set(number, values);
  }
  const parts: string[] = [];
  for (const field of type.fields) {
    const values = found.get(field.number);
    if (values === undefined || (field.fieldKind !== "list" && field.oneof === undefined && isZero(field, values[0] as string))) continue;
    parts.push(`"${field.name}":${field.fieldKind === "list" ? `[${values.join(",")}]` : (values[0] as string)}`);
  }
  return `{${parts.join(",")}}`;
}

function isPackable(field: DescField): boolean {
  return field.message === undefined && field.scalar !== ScalarType.STRING && field.scalar !== ScalarType.BYTES;
}

function isZero(field: DescField, text: string): boolean {
  if (field.message !== undefined) return false;
  return text === '""' || text === '"0"' || text === "0" || text === "false" || (field.enum !== undefined && text === enumText(field.enum, 0));
}

function valueText(field: DescField, reader: BinaryReader): string {
  if (field.message !== undefined) return messageText(field.message, reader.bytes());
  if (field.enum !== undefined) return enumText(field.enum, reader.int32());
  switch (field.scalar) {
    case ScalarType.STRING:
      return escaped(JSON.stringify(reader.string()));
    case ScalarType.BYTES: {
      const bytes = reader.bytes();
      return `"${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64")}"`;
    }
    case ScalarType.BOOL:
      return String(reader.bool());
    case ScalarType.INT64:
      return `"${reader.int64()}"`;
    case ScalarType.UINT64:
      return `"${reader.uint64()}"`;
    case ScalarType.INT32:
      return String(reader.int32());
    case ScalarType.UINT32:
      return String(reader.uint32());
    default:
      throw new Error(`${field.toString()} is of a type that no contract of etcd has`);
  }
}

function enumText(type: DescEnum, value: number): string {
  const name = type.value[value]?.name;
  return name === undefined ? String(value) : `"${name}"`;
}

/** Go writes these so, for the sake of pages that hold JSON. */
const ESCAPES: Readonly<Record<string, string>> = { "<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029" };

/** JSON text as Go's encoder writes it. */
export function escaped(json: string): string {
  return json.replaceAll(/[<>&\u2028\u2029]/g, (found) => ESCAPES[found] as string);
}
