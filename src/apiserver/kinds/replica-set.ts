import { isDeepStrictEqual } from "node:util";
import { formatLabelSelector, requirementsOf } from "../../kubernetes/label-selector.js";
import { setPodSpecDefaults } from "../defaults/pod-spec.js";
import type { ApiObject } from "../object.js";
import { ofPrefix, subdomainComplaints } from "../validation/names.js";
import { validateReplicaSet, validateReplicaSetUpdate } from "../validation/workload.js";
import type { Cell, Kind, Subresource } from "./kind.js";
import { age, AGE_COLUMN, column, NAME_COLUMN, wideColumn } from "./object-columns.js";

export const SCALE: Subresource = { name: "scale", group: "autoscaling", version: "v1", kind: "Scale", verbs: ["get", "patch", "update"] };

/** The last three wide cells of a workload: its containers, their images and the selector. */
export function templateCells(object: ApiObject): Cell[] {
  const containers = (object["spec"]?.template?.spec?.containers ?? []) as { name: string; image: string }[];
  return [
    containers.map((container) => container.name).join(","),
    containers.map((container) => container.image).join(","),
    formatLabelSelector(requirementsOf(object["spec"]?.selector ?? {})) || "<none>",
  ];
}

export const TEMPLATE_COLUMNS = [
  wideColumn("Containers", "string", "Names of each container in the template."),
  wideColumn("Images", "string", "Images referenced by each container in the template."),
  wideColumn("Selector", "string", "Label selector of the pods it manages."),
];

/** Defaults of a pod template. */
export function setTemplateDefaults(object: ApiObject): void {
  const template = ((object["spec"] ??= {}).template ??= {});
  template.metadata ??= {};
  setPodSpecDefaults((template.spec ??= {}));
}

/** Takes figures of zero out of a status: they are not written in Kubernetes, so that whoever waits for one sees it come. */
export function omitZeros(object: ApiObject, ...names: readonly string[]): void {
  for (const name of names) if (object["status"]?.[name] === 0) delete object["status"][name];
}

/** `apps/v1 ReplicaSet`. */
export const replicaSetKind: Kind = {
  group: "apps",
  version: "v1",
  resource: "replicasets",
  singular: "replicaset",
  kind: "ReplicaSet",
  namespaced: true,
  shortNames: ["rs"],
  categories: ["all"],
  prefix: "/registry/replicasets/",
  struct: "apps.ReplicaSet",
  hasStatus: true,
  subresources: [SCALE],
  nameComplaints: ofPrefix(subdomainComplaints),
  fields: { "status.replicas": (object) => String(object["status"]?.replicas ?? 0) },
  columns: [
    NAME_COLUMN,
    column("Desired", "integer", "Number of desired pods."),
    column("Current", "integer", "Number of pods there are."),
    column("Ready", "integer", "Number of ready pods."),
    AGE_COLUMN,
    ...TEMPLATE_COLUMNS,
  ],
  cells: (object, nowMs) => [
    object.metadata.name,
    object["spec"]?.replicas ?? 0,
    object["status"]?.replicas ?? 0,
    object["status"]?.readyReplicas ?? 0,
    age(object.metadata.creationTimestamp, nowMs),
    ...templateCells(object),
  ],
  countsGeneration: (object, old) => !isDeepStrictEqual(object["spec"], old["spec"]),
  setDefaults(object) {
    setTemplateDefaults(object);
    object["spec"].replicas ??= 1;
  },
  prepareCreate(object) {
    object["status"] = { replicas: 0 };
  },
  prepareStatus: (object) => omitZeros(object, "fullyLabeledReplicas", "readyReplicas", "availableReplicas", "observedGeneration"),
  validate: validateReplicaSet,
  validateUpdate: validateReplicaSetUpdate,
};
