import { qosClassOf } from "../../kubernetes/qos-class.js";
import { setPodDefaults } from "../defaults/pod-spec.js";
import type { ApiObject } from "../object.js";
import { POD_COLUMNS, podCells } from "../printing/pod-cells.js";
import { ofPrefix, subdomainComplaints } from "../validation/names.js";
import { validatePod, validatePodStatus, validatePodUpdate } from "../validation/pod.js";
import type { Kind } from "./kind.js";
import { checkLimitRanges } from "./limit-ranger.js";
import { admitPod, tolerateSilence } from "./pod-admission.js";

/** Grace of a deletion: unbound and ended pods go at once, others as asked or as their spec says. */
function graceOf(pod: ApiObject, askedSeconds: number | undefined): number {
  const wanted = askedSeconds ?? pod["spec"].terminationGracePeriodSeconds ?? 30;
  const phase = pod["status"]?.phase;
  if (!pod["spec"].nodeName || phase === "Failed" || phase === "Succeeded") return 0;
  return wanted < 0 ? 1 : wanted;
}

/** `v1 Pod`. */
export const podKind: Kind = {
  group: "",
  version: "v1",
  resource: "pods",
  singular: "pod",
  kind: "Pod",
  namespaced: true,
  shortNames: ["po"],
  categories: ["all"],
  prefix: "/registry/pods/",
  struct: "core.Pod",
  hasStatus: true,
  subresources: [
    { name: "binding", group: "", version: "v1", kind: "Binding", verbs: ["create"] },
    { name: "eviction", group: "policy", version: "v1", kind: "Eviction", verbs: ["create"] },
  ],
  nameComplaints: ofPrefix(subdomainComplaints),
  fields: {
    "spec.nodeName": (pod) => pod["spec"]?.nodeName ?? "",
    "spec.restartPolicy": (pod) => pod["spec"]?.restartPolicy ?? "",
    "spec.schedulerName": (pod) => pod["spec"]?.schedulerName ?? "",
    "spec.serviceAccountName": (pod) => pod["spec"]?.serviceAccountName ?? "",
    "spec.hostNetwork": (pod) => String(pod["spec"]?.hostNetwork ?? false),
    "status.phase": (pod) => pod["status"]?.phase ?? "",
    "status.podIP": (pod) => pod["status"]?.podIP ?? "",
    "status.podIPs": (pod) => pod["status"]?.podIP ?? "",
    "status.nominatedNodeName": (pod) => pod["status"]?.nominatedNodeName ?? "",
  },
  columns: POD_COLUMNS,
  cells: podCells,
  settlesSpec: true,
  setDefaults: setPodDefaults,
  async prepareCreate(pod, context) {
    await admitPod(pod, context);
    const gated = (pod["spec"].schedulingGates ?? []).length > 0;
    pod["status"] = {
      phase: "Pending",
      ...(gated ? { conditions: [{ type: "PodScheduled", status: "False", lastTransitionTime: pod.metadata.creationTimestamp, reason: "SchedulingGated", message: "Scheduling is blocked due to non-empty scheduling gates" }] } : {}),
      qosClass: qosClassOf({ ...pod["spec"], containers: pod["spec"].containers ?? [] }),
    };
  },
  admitCreate: checkLimitRanges,
  prepareUpdate(pod, old) {
    // What admission settled at creation stays when a body leaves it out.
    for (const field of ["priority", "preemptionPolicy", "serviceAccountName", "serviceAccount", "nodeName"]) {
      if (pod["spec"][field] === undefined && old["spec"][field] !== undefined) pod["spec"][field] = old["spec"][field];
    }
    tolerateSilence(pod["spec"]);
  },
  prepareStatus(pod, old) {
    // The class is settled at creation.
    if (old["status"]?.qosClass) pod["status"] = { ...pod["status"], qosClass: old["status"].qosClass };
  },
  validate: validatePod,
  validateUpdate: validatePodUpdate,
  validateStatus: validatePodStatus,
  graceOf,
};
