import { type ApiObject } from "../object.js";
import { labelComplaints, ofPrefix } from "../validation/names.js";
import type { Kind } from "./kind.js";
import { age, AGE_COLUMN, column, NAME_COLUMN } from "./object-columns.js";

const FINALIZER = "kubernetes";
/** Namespaces that cannot be deleted. */
const IMMORTAL = new Set(["default", "kube-system", "kube-public"]);

/** `v1 Namespace`. spec.finalizers holds it until its content is gone; the namespace controller takes that away by `finalize`. */
export const namespaceKind: Kind = {
  group: "",
  version: "v1",
  resource: "namespaces",
  singular: "namespace",
  kind: "Namespace",
  namespaced: false,
  shortNames: ["ns"],
  categories: [],
  prefix: "/registry/namespaces/",
  struct: "core.Namespace",
  hasStatus: true,
  subresources: [{ name: "finalize", group: "", version: "v1", kind: "Namespace", verbs: ["update"] }],
  nameComplaints: ofPrefix(labelComplaints),
  fields: { "status.phase": (object) => object["status"]?.phase ?? "" },
  columns: [NAME_COLUMN, column("Status", "string", "The status of the namespace"), AGE_COLUMN],
  cells: (object, nowMs) => [object.metadata.name, object["status"]?.phase ?? "", age(object.metadata.creationTimestamp, nowMs)],
  setDefaults(object) {
    if (object.metadata.name) object.metadata.labels = { ...object.metadata.labels, "kubernetes.io/metadata.name": object.metadata.name };
  },
  prepareCreate(object) {
    const finalizers = (object["spec"]?.finalizers ?? []) as string[];
    object["spec"] = { finalizers: finalizers.includes(FINALIZER) ? finalizers : [...finalizers, FINALIZER] };
    object["status"] = { phase: "Active" };
  },
  prepareUpdate(object, old) {
    object["spec"] = { ...object["spec"], finalizers: old["spec"]?.finalizers ?? [] };
  },
  markDeleted(object) {
    object["status"] = { ...object["status"], phase: "Terminating" };
  },
  isHeld: (object) => ((object["spec"]?.finalizers ?? []) as string[]).length > 0,
  deletionRefusal: (object: ApiObject) => (IMMORTAL.has(object.metadata.name) ? "this namespace may not be deleted" : undefined),
};
