import type { StatusCause } from "../errors.js";

/** A value whose Go text the caller knows, because its type does not show in its JSON. */
export class GoValue {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** The text of a value inside an error message, as Go prints it: maps of strings as `map[string]string{"app":"web"}`. */
function shown(value: unknown): string {
  if (value instanceof GoValue) return value.text;
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (value === undefined || value === null) return "null";
  const entries = Object.entries(value);
  if (!Array.isArray(value) && entries.every(([, member]) => typeof member === "string")) {
    return `map[string]string{${entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, member]) => `${JSON.stringify(key)}:${JSON.stringify(member)}`).join(", ")}}`;
  }
  return JSON.stringify(value);
}

export function required(field: string, detail = ""): StatusCause {
  return { reason: "FieldValueRequired", message: detail === "" ? "Required value" : `Required value: ${detail}`, field };
}

export function invalidValue(field: string, value: unknown, detail: string): StatusCause {
  return { reason: "FieldValueInvalid", message: `Invalid value: ${shown(value)}: ${detail}`, field };
}

export function notSupported(field: string, value: unknown, supported: readonly string[]): StatusCause {
  return notListed(field, value, [...supported].sort());
}

function notListed(field: string, value: unknown, supported: readonly string[]): StatusCause {
  const listed = supported.map((text) => JSON.stringify(text));
  return { reason: "FieldValueNotSupported", message: `Unsupported value: ${shown(value)}: supported values: ${listed.join(", ")}`, field };
}

export function duplicateValue(field: string, value: unknown): StatusCause {
  return { reason: "FieldValueDuplicate", message: `Duplicate value: ${shown(value)}`, field };
}

export function forbiddenField(field: string, detail: string): StatusCause {
  return { reason: "FieldValueForbidden", message: `Forbidden: ${detail}`, field };
}

export function notFoundValue(field: string, value: unknown): StatusCause {
  return { reason: "FieldValueNotFound", message: `Not found: ${shown(value)}`, field };
}

export function tooLong(field: string, maxBytes: number): StatusCause {
  return { reason: "FieldValueTooLong", message: `Too long: may not be more than ${maxBytes} bytes`, field };
}

/** -1, 0 and friends where a count belongs. */
export function nonNegative(field: string, value: number | undefined): StatusCause[] {
  return value !== undefined && value < 0 ? [invalidValue(field, value, "must be greater than or equal to 0")] : [];
}

/** One of a closed set; nothing for an absent value. */
export function oneOf(field: string, value: unknown, supported: readonly string[]): StatusCause[] {
  return value === undefined || supported.includes(value as string) ? [] : [notSupported(field, value, supported)];
}

/** As `oneOf`, where a real API server names the values in an order of their own. */
export function oneOfListed(field: string, value: unknown, supported: readonly string[]): StatusCause[] {
  return value === undefined || supported.includes(value as string) ? [] : [notListed(field, value, supported)];
}
