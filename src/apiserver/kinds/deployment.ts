import { isDeepStrictEqual } from "node:util";
import { ofPrefix, subdomainComplaints } from "../validation/names.js";
import { validateDeployment, validateDeploymentUpdate } from "../validation/workload.js";
import type { Kind } from "./kind.js";
import { age, AGE_COLUMN, column, NAME_COLUMN } from "./object-columns.js";
import { omitZeros, SCALE, setTemplateDefaults, TEMPLATE_COLUMNS, templateCells } from "./replica-set.js";

/** `apps/v1 Deployment`. */
export const deploymentKind: Kind = {
  group: "apps",
  version: "v1",
  resource: "deployments",
  singular: "deployment",
  kind: "Deployment",
  namespaced: true,
  shortNames: ["deploy"],
  categories: ["all"],
  prefix: "/registry/deployments/",
  struct: "apps.Deployment",
  hasStatus: true,
  subresources: [SCALE],
  nameComplaints: ofPrefix(subdomainComplaints),
  fields: {},
  columns: [
    NAME_COLUMN,
    column("Ready", "string", "Number of the pod with ready state"),
    column("Up-to-date", "string", "Number of pods that have the desired template."),
    column("Available", "string", "Number of pods that have been ready long enough."),
    AGE_COLUMN,
    ...TEMPLATE_COLUMNS,
  ],
  cells: (object, nowMs) => [
    object.metadata.name,
    `${object["status"]?.readyReplicas ?? 0}/${object["spec"]?.replicas ?? 0}`,
    object["status"]?.updatedReplicas ?? 0,
    object["status"]?.availableReplicas ?? 0,
    age(object.metadata.creationTimestamp, nowMs),
    ...templateCells(object),
  ],
  // A Deployment's annotations count too: its controller copies them to the ReplicaSets.
  countsGeneration: (object, old) =>
    !isDeepStrictEqual(object["spec"], old["spec"]) || !isDeepStrictEqual(object.metadata.annotations ?? {}, old.metadata.annotations ?? {}),
  setDefaults(object) {
    setTemplateDefaults(object);
    const spec = object["spec"];
    spec.replicas ??= 1;
    spec.strategy ??= {};
    spec.strategy.type = spec.strategy.type || "RollingUpdate";
    if (spec.strategy.type === "RollingUpdate") {
      spec.strategy.rollingUpdate ??= {};
      spec.strategy.rollingUpdate.maxUnavailable ??= "25%";
      spec.strategy.rollingUpdate.maxSurge ??= "25%";
    }
    spec.revisionHistoryLimit ??= 10;
    spec.progressDeadlineSeconds ??= 600;
  },
  prepareCreate(object) {
    object["status"] = {};
  },
  prepareStatus: (object) => omitZeros(object, "replicas", "updatedReplicas", "readyReplicas", "availableReplicas", "unavailableReplicas", "observedGeneration"),
  validate: validateDeployment,
  validateUpdate: validateDeploymentUpdate,
};
