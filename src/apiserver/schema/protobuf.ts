import { structOf, type Field, type TypeRef } from "./schema.js";

/** Bytes that are no well-formed protobuf of the type asked for. */
export class ProtobufError extends Error {}

/** `runtime.Unknown`: what stands inside the `k8s\0` envelope of a protobuf body. */
export interface Envelope {
  readonly apiVersion: string;
  readonly kind: string;
  readonly raw: Buffer;
}

const MAGIC = Buffer.from([0x6b, 0x38, 0x73, 0x00]);
const MAX_DEPTH = 100;

/** Walks the fields of one message: calls back with number, wire type and value (varint as bigint, else bytes). */
function eachField(bytes: Buffer, visit: (number: number, value: bigint | Buffer) => void): void {
  let at = 0;
  const varint = (): bigint => {
    let result = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = bytes[at++];
      if (byte === undefined) throw new ProtobufError("unexpected EOF");
      result |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return result;
    }
    throw new ProtobufError("proto: integer overflow");
  };
  const take = (length: number): Buffer => {
    if (at + length > bytes.length) throw new ProtobufError("unexpected EOF");
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const tag = varint();
    const number = Number(tag >> 3n);
    if (number === 0) throw new ProtobufError(`proto: illegal tag 0 (wire type ${tag})`);
    switch (Number(tag & 7n)) {
      case 0:
        visit(number, varint());
        break;
      case 1:
        visit(number, take(8));
        break;
      case 2:
        visit(number, take(Number(varint())));
        break;
      case 5:
        visit(number, take(4));
        break;
      default:
        throw new ProtobufError(`proto: illegal wireType ${tag & 7n}`);
    }
  }
}

function bytesOf(value: bigint | Buffer): Buffer {
  if (typeof value === "bigint") throw new ProtobufError("proto: wrong wireType = 0");
  return value;
}

function intOf(value: bigint | Buffer): number {
  if (typeof value !== "bigint") throw new ProtobufError("proto: wrong wireType = 2");
  return Number(BigInt.asIntN(64, value));
}

/** Opens the `k8s\0` envelope. */
export function openEnvelope(body: Buffer): Envelope {
  if (!body.subarray(0, 4).equals(MAGIC)) throw new ProtobufError("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]");
  let apiVersion = "";
  let kind = "";
  let raw: Buffer = Buffer.alloc(0);
  eachField(body.subarray(4), (number, value) => {
    if (number === 1) {
      eachField(bytesOf(value), (inner, text) => {
        if (inner === 1) apiVersion = bytesOf(text).toString("utf8");
        if (inner === 2) kind = bytesOf(text).toString("utf8");
      });
    } else if (number === 2) raw = bytesOf(value);
  });
  return { apiVersion, kind, raw };
}

/** `{1: seconds, 2: nanos}` as RFC 3339; an empty message is no time at all. */
function decodeTime(bytes: Buffer, fraction: boolean): string | undefined {
  if (bytes.length === 0) return undefined;
  let seconds = 0;
  let nanos = 0;
  eachField(bytes, (number, value) => {
    if (number === 1) seconds = intOf(value);
    if (number === 2) nanos = intOf(value);
  });
  const whole = new Date(seconds * 1000).toISOString().slice(0, 19);
  return fraction ? `${whole}.${String(Math.floor(nanos / 1000)).padStart(6, "0")}Z` : `${whole}Z`;
}

function decodeIntOrString(bytes: Buffer): number | string {
  let type = 0;
  let int = 0;
  let text = "";
  eachField(bytes, (number, value) => {
    if (number === 1) type = intOf(value);
    if (number === 2) int = intOf(value);
    if (number === 3) text = bytesOf(value).toString("utf8");
  });
  return type === 1 ? text : int;
}

function firstBytes(bytes: Buffer): Buffer {
  let found: Buffer = Buffer.alloc(0);
  eachField(bytes, (number, value) => {
    if (number === 1) found = bytesOf(value);
  });
  return found;
}

function decodeRaw(bytes: Buffer): unknown {
  const raw = firstBytes(bytes).toString("utf8");
  if (raw === "") return undefined;
  try {
    return JSON.parse(raw);
  } catch {
    throw new ProtobufError("proto: embedded JSON does not parse");
  }
}

function decodeValue(value: bigint | Buffer, type: TypeRef, depth: number): unknown {
  switch (type.form) {
    case "string":
      return bytesOf(value).toString("utf8");
    case "bool":
      return intOf(value) !== 0;
    case "int32":
    case "int64":
      return intOf(value);
    case "bytes":
      return bytesOf(value).toString("base64");
    case "quantity":
      return firstBytes(bytesOf(value)).toString("utf8");
    case "time":
      return decodeTime(bytesOf(value), false);
    case "microTime":
      return decodeTime(bytesOf(value), true);
    case "intOrString":
      return decodeIntOrString(bytesOf(value));
    case "raw":
    case "fieldsV1":
      return decodeRaw(bytesOf(value));
    case "struct":
      return decodeMessage(bytesOf(value), type.struct, depth + 1);
    default:
      throw new ProtobufError(`proto: unexpected ${type.form}`);
  }
}

/** Go writes zero values of fields that are no pointers; they mean "not set". */
function isZero(value: unknown, type: TypeRef): boolean {
  if (value === undefined || value === "" || value === 0 || value === false) return true;
  return type.form === "struct" && Object.keys(value as object).length === 0;
}

function addField(target: Record<string, unknown>, field: Field, value: bigint | Buffer, depth: number): void {
  const { type } = field;
  if (type.form === "map") {
    let key = "";
    let member: unknown = type.value.form === "string" || type.value.form === "bytes" ? "" : undefined;
    eachField(bytesOf(value), (number, part) => {
      if (number === 1) key = bytesOf(part).toString("utf8");
      if (number === 2) member = decodeValue(part, type.value, depth);
    });
    const map = (target[field.name] ??= {}) as Record<string, unknown>;
    map[key] = member ?? (type.value.form === "quantity" ? "0" : {});
    return;
  }
  if (type.form === "list") {
    const list = (target[field.name] ??= []) as unknown[];
    if (typeof value !== "bigint" && (type.element.form === "int32" || type.element.form === "int64")) {
      // Packed scalars: a run of varints inside one length-delimited field.
      for (let at = 0; at < value.length; ) {
        let end = at;
        while ((value[end] ?? 0) >= 0x80) end++;
        eachField(Buffer.concat([Buffer.from([8]), value.subarray(at, end + 1)]), (_number, part) => list.push(intOf(part)));
        at = end + 1;
      }
      return;
    }
    list.push(decodeValue(value, type.element, depth));
    return;
  }
  const decoded = decodeValue(value, type, depth);
  if (decoded === undefined || (!field.pointer && isZero(decoded, type))) return;
  target[field.name] = decoded;
}

/** Decodes one message of the API into its JSON form; unknown numbers are skipped as protobuf asks. */
export function decodeMessage(bytes: Buffer, key: string, depth = 0): Record<string, unknown> {
  if (depth > MAX_DEPTH) throw new ProtobufError("proto: message nested too deeply");
  const struct = structOf(key);
  const result: Record<string, unknown> = {};
  eachField(bytes, (number, value) => {
    const field = struct.numbers.get(number);
    if (!field) return;
    if ("embedded" in field) Object.assign(result, decodeMessage(bytesOf(value), field.embedded, depth + 1));
    else addField(result, field, value, depth);
  });
  return result;
}
