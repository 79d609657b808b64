import { Quantity } from "../../base/quantity.js";
import { jsonKind, jsonMismatch, type MismatchText } from "./mismatch.js";
import { structOf, type TypeRef } from "./schema.js";

/** A value of the wrong type, in the words of the real server's decoder. */
export class DecodeError extends Error {}

type Members = Readonly<Record<string, unknown>>;

/** What decoding found beside the value. */
export interface Decoded {
  readonly value: Record<string, unknown>;
  /** Paths of fields the type does not have, as `spec.containers[0].foo`; they are dropped from the value. */
  readonly unknown: readonly string[];
}

const METADATA = "meta.ObjectMeta";

const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})$/;

/** The canonical form of a quantity; throws DecodeError with the original's complaint. */
function canonicalQuantity(text: string): string {
  try {
    return Quantity.parse(text.trim()).toString();
  } catch (error) {
    throw new DecodeError(error instanceof Error ? error.message : String(error));
  }
}

/**
 * Decodes a JSON value as a struct of the API: checks types, drops nulls and fields the struct does not have.
 *
 * `{"spec":{"foo":1}}` as core.Pod gives `{"spec":{}}` and unknown `["spec.foo"]`; `{"spec":[]}` throws
 * `json: cannot unmarshal array into Go struct field Pod.spec of type v1.PodSpec`.
 *
 * A member of the value or of its metadata that is the very one of `known`, which is decoded already, is taken as it is.
 */
export function decodeStruct(input: Record<string, unknown>, key: string, mismatchText: MismatchText = jsonMismatch, known?: Members): Decoded {
  const unknown: string[] = [];

  const mismatch = (value: unknown, type: TypeRef, owner: string, dotted: string): never => {
    throw new DecodeError(mismatchText(value, type, owner, dotted));
  };

  const scalar = (value: unknown, type: TypeRef, owner: string, dotted: string): unknown => {
    switch (type.form) {
      case "string":
        return typeof value === "string" ? value : mismatch(value, type, owner, dotted);
      case "bool":
        return typeof value === "boolean" ? value : mismatch(value, type, owner, dotted);
      case "int32":
      case "int64": {
        const whole = typeof value === "number" && Number.isInteger(value) && (type.form === "int64" || Math.abs(value + 0.5) < 2 ** 31);
        return whole ? value : mismatch(value, type, owner, dotted);
      }
      case "bytes":
        if (typeof value !== "string") return mismatch(value, type, owner, dotted);
        if (!/^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(value)) throw new DecodeError(`illegal base64 data at input byte ${value.search(/[^A-Za-z0-9+/=\s]/)}`);
        return value;
      case "quantity": {
        if (typeof value !== "string" && typeof value !== "number") return mismatch(value, type, owner, dotted);
        return canonicalQuantity(String(value));
      }
      case "time":
      case "microTime":
        if (typeof value !== "string") return mismatch(value, type, owner, dotted);
        if (!TIME.test(value) || Number.isNaN(Date.parse(value))) {
          throw new DecodeError(`parsing time "${value}" as "2006-01-02T15:04:05Z07:00": cannot parse "${value}" as "2006"`);
        }
        return value;
      case "intOrString":
        return typeof value === "string" || (typeof value === "number" && Number.isInteger(value)) ? value : mismatch(value, type, owner, dotted);
      default:
        return value;
    }
  };

  const walk = (value: unknown, type: TypeRef, owner: string, dotted: string, indexed: string): unknown => {
    if (type.form === "list") {
      if (!Array.isArray(value)) return mismatch(value, type, owner, dotted);
      return value.map((element, index) => (element === null ? zero(type.element) : walk(element, type.element, owner, dotted, `${indexed}[${index}]`)));
    }
    if (type.form === "map") {
      if (jsonKind(value) !== "object") return mismatch(value, type, owner, dotted);
      const result: Record<string, unknown> = {};
      for (const [key, member] of Object.entries(value as object)) {
        result[key] = member === null ? zero(type.value) : walk(member, type.value, owner, dotted, `${indexed}.${key}`);
      }
      return result;
    }
    if (type.form === "struct") {
      if (jsonKind(value) !== "object") return mismatch(value, type, owner, dotted);
      return members(value as Record<string, unknown>, type.struct, dotted, indexed, []);
    }
    return scalar(value, type, owner, dotted);
  };

  const members = (object: Record<string, unknown>, structKey: string, dotted: string, indexed: string, allowed: readonly string[], same?: Members): Record<string, unknown> => {
    const struct = structOf(structKey);
    const result: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(object)) {
      const field = struct.fields.get(name);
      if (!field) {
        if (allowed.includes(name)) result[name] = value;
        else unknown.push(indexed === "" ? name : `${indexed}.${name}`);
        continue;
      }
      if (value === null) continue;
      if (same !== undefined && typeof value === "object") {
        if (value === same[name]) {
          result[name] = value;
          continue;
        }
        if (field.type.form === "struct" && field.type.struct === METADATA && jsonKind(value) === "object") {
          result[name] = members(value as Record<string, unknown>, METADATA, name, name, [], same[name] as Members);
          continue;
        }
      }
      result[name] = walk(value, field.type, struct.goName, dotted === "" ? name : `${dotted}.${name}`, indexed === "" ? name : `${indexed}.${name}`);
    }
    return result;
  };

  return { value: members(input, key, "", "", ["apiVersion", "kind"], known), unknown };
}

/** The zero value a null stands for inside a list or map. */
function zero(type: TypeRef): unknown {
  switch (type.form) {
    case "struct":
    case "map":
    case "raw":
    case "fieldsV1":
      return {};
    case "list":
      return [];
    case "int32":
    case "int64":
    case "intOrString":
      return 0;
    case "bool":
      return false;
    case "quantity":
      return "0";
    default:
      return "";
  }
}
