import type { StatusCause } from "../errors.js";
import type { ApiObject } from "../object.js";
import { invalidValue, required, tooLong } from "../validation/field-path.js";
import { ofPrefix, subdomainComplaints } from "../validation/names.js";
import { DATA_LIMIT_BYTES, validateImmutable, validateKeys } from "./config-map.js";
import type { Kind } from "./kind.js";
import { age, AGE_COLUMN, column, NAME_COLUMN } from "./object-columns.js";

/** Keys that each built-in type of Secret must have. */
const REQUIRED_KEYS: Readonly<Record<string, readonly string[]>> = {
  "kubernetes.io/dockercfg": [".dockercfg"],
  "kubernetes.io/dockerconfigjson": [".dockerconfigjson"],
  "kubernetes.io/ssh-auth": ["ssh-privatekey"],
  "kubernetes.io/tls": ["tls.crt", "tls.key"],
};

function validate(object: ApiObject): StatusCause[] {
  const data = (object["data"] ?? {}) as Record<string, string>;
  const causes = validateKeys(object, ["data"]);
  if (Object.values(data).reduce((sum, value) => sum + Buffer.from(value, "base64").length, 0) > DATA_LIMIT_BYTES) causes.push(tooLong("data", DATA_LIMIT_BYTES));
  for (const key of REQUIRED_KEYS[object["type"] as string] ?? []) if (!Object.hasOwn(data, key)) causes.push(required(`data[${key}]`));
  return causes;
}

/** `v1 Secret`. */
export const secretKind: Kind = {
  group: "",
  version: "v1",
  resource: "secrets",
  singular: "secret",
  kind: "Secret",
  namespaced: true,
  shortNames: [],
  categories: [],
  prefix: "/registry/secrets/",
  struct: "core.Secret",
  hasStatus: false,
  subresources: [],
  nameComplaints: ofPrefix(subdomainComplaints),
  fields: { type: (object) => object["type"] ?? "" },
  columns: [NAME_COLUMN, column("Type", "string", "Used to facilitate programmatic handling of secret data."), column("Data", "string", "Number of entries"), AGE_COLUMN],
  cells: (object, nowMs) => [object.metadata.name, object["type"] ?? "", Object.keys(object["data"] ?? {}).length, age(object.metadata.creationTimestamp, nowMs)],
  setDefaults(object) {
    object["type"] ??= "Opaque";
    // stringData is a way of writing: it becomes data and is never read back.
    const texts = object["stringData"] as Record<string, string> | undefined;
    if (texts) {
      object["data"] = { ...object["data"], ...Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, Buffer.from(text).toString("base64")])) };
      delete object["stringData"];
    }
  },
  validate,
  validateUpdate: (object, old) => [
    ...(object["type"] === old["type"] ? [] : [invalidValue("type", object["type"], "field is immutable")]),
    ...validate(object),
    ...validateImmutable(object, old, ["data"]),
  ],
};
