import type { StatusCause } from "../errors.js";
import type { ApiObject } from "../object.js";
import { forbiddenField, invalidValue, notSupported } from "../validation/field-path.js";
import { ofPrefix, subdomainComplaints } from "../validation/names.js";
import type { Kind } from "./kind.js";
import { age, AGE_COLUMN, column, NAME_COLUMN } from "./object-columns.js";

/** The greatest value a user may give. */
export const HIGHEST_USER_PRIORITY = 1_000_000_000;

/** The two classes every cluster has. */
export const SYSTEM_CLASSES: readonly { readonly name: string; readonly value: number; readonly description: string }[] = [
  { name: "system-node-critical", value: 2_000_001_000, description: "Used for system critical pods that must not be moved from their current node." },
  { name: "system-cluster-critical", value: 2_000_000_000, description: "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary." },
];

function validate(object: ApiObject): StatusCause[] {
  const causes: StatusCause[] = [];
  const { name } = object.metadata;
  if (name.startsWith("system-")) {
    const known = SYSTEM_CLASSES.find((row) => row.name === name);
    if (!known || known.value !== object["value"]) causes.push(forbiddenField("metadata.name", "priority class names with 'system-' prefix are reserved for system use only"));
  } else if ((object["value"] ?? 0) > HIGHEST_USER_PRIORITY) {
    causes.push(forbiddenField("value", `maximum allowed value of a user defined priority is ${HIGHEST_USER_PRIORITY}`));
  }
  const policy = object["preemptionPolicy"];
  if (policy !== undefined && policy !== "Never" && policy !== "PreemptLowerPriority") causes.push(notSupported("preemptionPolicy", policy, ["Never", "PreemptLowerPriority"]));
  return causes;
}

/** `scheduling.k8s.io/v1 PriorityClass`. */
export const priorityClassKind: Kind = {
  group: "scheduling.k8s.io",
  version: "v1",
  resource: "priorityclasses",
  singular: "priorityclass",
  kind: "PriorityClass",
  namespaced: false,
  shortNames: ["pc"],
  categories: [],
  prefix: "/registry/priorityclasses/",
  struct: "scheduling.PriorityClass",
  hasStatus: false,
  subresources: [],
  nameComplaints: ofPrefix(subdomainComplaints),
  fields: {},
  columns: [
    NAME_COLUMN,
    column("Value", "integer", "The integer value of this priority class."),
    column("Global-Default", "boolean", "Whether this class is the default of pods that name none."),
    AGE_COLUMN,
    column("PreemptionPolicy", "string", "Policy for preempting pods with lower priority."),
  ],
  cells: (object, nowMs) => [object.metadata.name, object["value"] ?? 0, object["globalDefault"] ?? false, age(object.metadata.creationTimestamp, nowMs), object["preemptionPolicy"] ?? ""],
  countsGeneration: (object, old) => object["value"] !== old["value"],
  setDefaults(object) {
    object["preemptionPolicy"] ??= "PreemptLowerPriority";
    object["value"] ??= 0;
  },
  deletionRefusal: (object) => (SYSTEM_CLASSES.some(({ name }) => name === object.metadata.name) ? "this is a system priority class and cannot be deleted" : undefined),
  validate,
  validateUpdate: (object, old) => [
    ...(object["value"] === old["value"] ? [] : [forbiddenField("value", "may not be changed in an update.")]),
    ...(object["preemptionPolicy"] === old["preemptionPolicy"] ? [] : [invalidValue("preemptionPolicy", object["preemptionPolicy"], "field is immutable")]),
  ],
};
