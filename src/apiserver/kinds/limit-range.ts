import type { LimitRangeItem } from "../../kubernetes/resource-policy.js";
import type { ApiObject } from "../object.js";
import { validateLimitRange } from "../validation/limit-range.js";
import { ofPrefix, subdomainComplaints } from "../validation/names.js";
import type { Kind } from "./kind.js";
import { column, NAME_COLUMN } from "./object-columns.js";

/**
 * What an item for containers leaves out: limits default to the maximum, requests to those limits, then to the minimum.
 *
 * Example: max cpu 500m and min cpu 100m alone give default cpu 500m and defaultRequest cpu 500m; min alone gives defaultRequest 100m.
 */
function setDefaults(object: ApiObject): void {
  for (const item of (object["spec"]?.limits ?? []) as { -readonly [K in keyof LimitRangeItem]: LimitRangeItem[K] }[]) {
    if (item.type !== "Container") continue;
    const limits = { ...item.max, ...item.default };
    const requests = { ...item.min, ...limits, ...item.defaultRequest };
    if (Object.keys(limits).length > 0) item.default = limits;
    if (Object.keys(requests).length > 0) item.defaultRequest = requests;
  }
}

/** `v1 LimitRange`: enforced and filled in by LimitRanger when a pod is created. */
export const limitRangeKind: Kind = {
  group: "",
  version: "v1",
  resource: "limitranges",
  singular: "limitrange",
  kind: "LimitRange",
  namespaced: true,
  shortNames: ["limits"],
  categories: [],
  prefix: "/registry/limitranges/",
  struct: "core.LimitRange",
  hasStatus: false,
  subresources: [],
  nameComplaints: ofPrefix(subdomainComplaints),
  fields: {},
  // The original has no printer for this kind, and so shows when it was made.
  columns: [NAME_COLUMN, column("Created At", "date", "When the object was created.")],
  cells: (object) => [object.metadata.name, object.metadata.creationTimestamp ?? ""],
  setDefaults,
  validate: validateLimitRange,
  validateUpdate: validateLimitRange,
};
