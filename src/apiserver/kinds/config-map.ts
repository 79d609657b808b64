import type { StatusCause } from "../errors.js";
import type { ApiObject } from "../object.js";
import { forbiddenField, invalidValue, tooLong } from "../validation/field-path.js";
import { configKeyComplaints, ofPrefix, subdomainComplaints } from "../validation/names.js";
import type { Kind } from "./kind.js";
import { age, AGE_COLUMN, column, NAME_COLUMN } from "./object-columns.js";

/** Content of a ConfigMap or Secret. */
export const DATA_LIMIT_BYTES = 1024 * 1024;

/** Keys of a content: plain, and in one of the two maps only. */
export function validateKeys(object: ApiObject, fields: readonly string[]): StatusCause[] {
  const seen = new Set<string>();
  const causes: StatusCause[] = [];
  for (const field of fields) {
    for (const key of Object.keys(object[field] ?? {})) {
      causes.push(...configKeyComplaints(key).map((complaint) => invalidValue(`${field}[${key}]`, key, complaint)));
      if (seen.has(key)) causes.push(invalidValue(`${field}[${key}]`, key, `duplicate of key present in ${fields[0]}`));
      seen.add(key);
    }
  }
  return causes;
}

function validate(object: ApiObject): StatusCause[] {
  const causes = validateKeys(object, ["data", "binaryData"]);
  const bytes = Object.values((object["data"] ?? {}) as Record<string, string>).reduce((sum, value) => sum + Buffer.byteLength(value), 0);
  const binary = Object.values((object["binaryData"] ?? {}) as Record<string, string>).reduce((sum, value) => sum + Buffer.from(value, "base64").length, 0);
  if (bytes + binary > DATA_LIMIT_BYTES) causes.push(tooLong("", DATA_LIMIT_BYTES));
  return causes;
}

/** What `immutable: true` forbids. */
export function validateImmutable(object: ApiObject, old: ApiObject, fields: readonly string[]): StatusCause[] {
  if (!old["immutable"]) return [];
  const causes: StatusCause[] = [];
  if (!object["immutable"]) causes.push(forbiddenField("immutable", "field is immutable when `immutable` is set"));
  for (const field of fields) {
    if (JSON.stringify(object[field] ?? {}) !== JSON.stringify(old[field] ?? {})) causes.push(forbiddenField(field, "field is immutable when `immutable` is set"));
  }
  return causes;
}

/** `v1 ConfigMap`. */
export const configMapKind: Kind = {
  group: "",
  version: "v1",
  resource: "configmaps",
  singular: "configmap",
  kind: "ConfigMap",
  namespaced: true,
  shortNames: ["cm"],
  categories: [],
  prefix: "/registry/configmaps/",
  struct: "core.ConfigMap",
  hasStatus: false,
  subresources: [],
  nameComplaints: ofPrefix(subdomainComplaints),
  fields: {},
  columns: [NAME_COLUMN, column("Data", "string", "Number of entries"), AGE_COLUMN],
  cells: (object, nowMs) => [
    object.metadata.name,
    Object.keys(object["data"] ?? {}).length + Object.keys(object["binaryData"] ?? {}).length,
    age(object.metadata.creationTimestamp, nowMs),
  ],
  validate,
  validateUpdate: (object, old) => [...validate(object), ...validateImmutable(object, old, ["data", "binaryData"])],
};
