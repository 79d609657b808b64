import { Quantity } from "../../base/quantity.js";
import type { ApiObject } from "../object.js";
import { ofPrefix, subdomainComplaints } from "../validation/names.js";
import { validateQuota, validateQuotaStatus, validateQuotaUpdate } from "../validation/resource-quota.js";
import type { Kind } from "./kind.js";
import { age, AGE_COLUMN, column, NAME_COLUMN } from "./object-columns.js";

/** `pods: 2/10, requests.cpu: 500m/4`: used of hard, the limits in a column of their own. */
function usageText(quota: ApiObject, isOfLimits: boolean): string {
  const { hard = {}, used = {} } = (quota["status"] ?? {}) as { hard?: Record<string, string>; used?: Record<string, string> };
  return Object.keys(hard)
    .filter((name) => name.startsWith("limits.") === isOfLimits)
    .sort()
    .map((name) => `${name}: ${Quantity.parseOrZero(used[name]).toString()}/${hard[name]}`)
    .join(", ");
}

/** `v1 ResourceQuota`. Admission charges it, the resource quota controller keeps its status true. */
export const resourceQuotaKind: Kind = {
  group: "",
  version: "v1",
  resource: "resourcequotas",
  singular: "resourcequota",
  kind: "ResourceQuota",
  namespaced: true,
  shortNames: ["quota"],
  categories: [],
  prefix: "/registry/resourcequotas/",
  struct: "core.ResourceQuota",
  hasStatus: true,
  subresources: [],
  nameComplaints: ofPrefix(subdomainComplaints),
  fields: {},
  columns: [
    NAME_COLUMN,
    AGE_COLUMN,
    column("Request", "string", "Request represents a minimum amount of cpu/memory that a container may consume."),
    column("Limit", "string", "Limits control the maximum amount of cpu/memory that a container may use independent of contention on the node."),
  ],
  cells: (quota, nowMs) => [quota.metadata.name, age(quota.metadata.creationTimestamp, nowMs), usageText(quota, false), usageText(quota, true)],
  prepareCreate(quota) {
    quota["status"] = {};
  },
  validate: validateQuota,
  validateUpdate: validateQuotaUpdate,
  validateStatus: validateQuotaStatus,
};
