import type { TypeRef } from "./schema.js";

/** Words the complaint that a value is not of its field's type; `owner` and `dotted` say which field. */
export type MismatchText = (value: unknown, type: TypeRef, owner: string, dotted: string) => string;

/** The JSON type of a value, as Go's encoding/json names it. */
export function jsonKind(value: unknown): string {
  if (Array.isArray(value)) return "array";
  return typeof value === "boolean" ? "bool" : typeof value;
}

/** As encoding/json says it: `json: cannot unmarshal array into Go struct field Pod.spec of type v1.PodSpec`. */
export function jsonMismatch(value: unknown, type: TypeRef, owner: string, dotted: string): string {
  const shown = typeof value === "number" && (type.form === "int32" || type.form === "int64") ? `number ${value}` : jsonKind(value);
  return `json: cannot unmarshal ${shown} into Go struct field ${owner}.${dotted} of type ${type.goName}`;
}

/**
 * As apimachinery's converter says it, which turns a strategically patched object back into its type; it does not name the field.
 *
 * A string for `spec.replicas` gives `unrecognized type: int32`, a number for an image `cannot convert int64 to string`.
 */
export function conversionMismatch(value: unknown, type: TypeRef, owner: string, dotted: string): string {
  const kind = goKind(value);
  switch (type.form) {
    case "struct":
      return `cannot restore struct from: ${kind}`;
    case "map":
      return `cannot restore map from ${kind}`;
    case "list":
    case "bytes":
      return `cannot restore slice from ${kind}`;
    case "string":
      return kind === "int64" ? `cannot convert int64 to ${type.goName}` : "unrecognized type: string";
    case "int32":
    case "int64":
      return typeof value === "number" ? `cannot convert ${kind} to ${type.goName}` : `unrecognized type: ${type.form}`;
    case "bool":
      return "unrecognized type: bool";
    default:
      return jsonMismatch(value, type, owner, dotted);
  }
}

/** The kind of Go value that JSON of unknown type is read into. */
function goKind(value: unknown): string {
  if (typeof value === "number") return Number.isInteger(value) ? "int64" : "float64";
  if (Array.isArray(value)) return "slice";
  return typeof value === "object" ? "map" : jsonKind(value);
}

/** A JSON value as Go's `%+v` prints it: `map[spec:map[ports:[80 443] replicas:2]]`. */
export function goText(value: unknown): string {
  if (value === null || value === undefined) return "<nil>";
  if (Array.isArray(value)) return `[${value.map(goText).join(" ")}]`;
  if (typeof value === "string") return value;
  if (typeof value !== "object") return JSON.stringify(value);
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `map[${members.map(([key, member]) => `${key}:${goText(member)}`).join(" ")}]`;
}
