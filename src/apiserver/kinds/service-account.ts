import { ofPrefix, subdomainComplaints } from "../validation/names.js";
import type { Kind } from "./kind.js";
import { age, AGE_COLUMN, column, NAME_COLUMN } from "./object-columns.js";

/** `v1 ServiceAccount`. */
export const serviceAccountKind: Kind = {
  group: "",
  version: "v1",
  resource: "serviceaccounts",
  singular: "serviceaccount",
  kind: "ServiceAccount",
  namespaced: true,
  shortNames: ["sa"],
  categories: [],
  prefix: "/registry/serviceaccounts/",
  struct: "core.ServiceAccount",
  hasStatus: false,
  subresources: [],
  nameComplaints: ofPrefix(subdomainComplaints),
  fields: {},
  columns: [NAME_COLUMN, column("Secrets", "string", "Secrets is a list of the secrets in the same namespace that pods running using this ServiceAccount are allowed to use."), AGE_COLUMN],
  cells: (object, nowMs) => [object.metadata.name, (object["secrets"] ?? []).length, age(object.metadata.creationTimestamp, nowMs)],
};
