import type { StatusCause } from "../errors.js";
import type { ApiObject } from "../object.js";
import { invalidValue } from "../validation/field-path.js";
import { ofPrefix, subdomainComplaints } from "../validation/names.js";
import type { Kind } from "./kind.js";
import { age, AGE_COLUMN, column, NAME_COLUMN } from "./object-columns.js";

function validate(object: ApiObject): StatusCause[] {
  const spec = object["spec"] ?? {};
  const causes: StatusCause[] = [];
  if (spec.leaseDurationSeconds !== undefined && spec.leaseDurationSeconds <= 0) causes.push(invalidValue("spec.leaseDurationSeconds", spec.leaseDurationSeconds, "must be greater than 0"));
  if (spec.leaseTransitions !== undefined && spec.leaseTransitions < 0) causes.push(invalidValue("spec.leaseTransitions", spec.leaseTransitions, "must be greater than or equal to 0"));
  return causes;
}

/** `coordination.k8s.io/v1 Lease`: leader election and the heartbeats of nodes. */
export const leaseKind: Kind = {
  group: "coordination.k8s.io",
  version: "v1",
  resource: "leases",
  singular: "lease",
  kind: "Lease",
  namespaced: true,
  shortNames: [],
  categories: [],
  prefix: "/registry/leases/",
  struct: "coordination.Lease",
  hasStatus: false,
  subresources: [],
  nameComplaints: ofPrefix(subdomainComplaints),
  fields: {},
  columns: [NAME_COLUMN, column("Holder", "string", "holderIdentity contains the identity of the holder of a current lease."), AGE_COLUMN],
  cells: (object, nowMs) => [object.metadata.name, object["spec"]?.holderIdentity ?? "", age(object.metadata.creationTimestamp, nowMs)],
  createOnUpdate: true,
  validate,
  validateUpdate: validate,
};
