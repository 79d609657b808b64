import { forbidden } from "../errors.js";
import type { ApiObject } from "../object.js";
import type { WriteContext } from "./kind.js";
import { fillFromLimitRanges } from "./limit-ranger.js";

const PODS = { group: "", resource: "pods" };
const CLASSES = { group: "scheduling.k8s.io", resource: "priorityclasses" };
const NOT_READY = "node.kubernetes.io/not-ready";
const UNREACHABLE = "node.kubernetes.io/unreachable";
const TOLERATION_SECONDS = 300;

/** DefaultTolerationSeconds, at creation and update: every pod outlives five minutes of a node's silence, unless it says otherwise. */
export function tolerateSilence(spec: ApiObject[string]): void {
  const tolerations = (spec.tolerations ?? []) as { key?: string; operator?: string; effect?: string; tolerationSeconds?: number }[];
  for (const key of [NOT_READY, UNREACHABLE]) {
    const isSaid = tolerations.some((toleration) => (!toleration.key || toleration.key === key) && (!toleration.effect || toleration.effect === "NoExecute") && (toleration.key || toleration.operator === "Exists"));
    if (!isSaid) tolerations.push({ key, operator: "Exists", effect: "NoExecute", tolerationSeconds: TOLERATION_SECONDS });
  }
  if (tolerations.length > 0) spec.tolerations = tolerations;
}

/** Priority: the class named, else the global default, else 0; a stated number must agree with it. */
async function setPriority(pod: ApiObject, context: WriteContext): Promise<void> {
  const spec = pod["spec"];
  let value = 0;
  let policy = "PreemptLowerPriority";
  if (spec.priorityClassName) {
    const found = await context.lookup.find(CLASSES, "", spec.priorityClassName);
    if (!found) throw forbidden(PODS, pod.metadata.name, `no PriorityClass with name ${spec.priorityClassName} was found`);
    value = found["value"] ?? 0;
    policy = found["preemptionPolicy"] ?? policy;
  } else {
    for (const candidate of context.lookup.all(CLASSES)) {
      if (!candidate["globalDefault"] || (spec.priorityClassName && value <= candidate["value"])) continue;
      spec.priorityClassName = candidate.metadata.name;
      value = candidate["value"] ?? 0;
      policy = candidate["preemptionPolicy"] ?? policy;
    }
  }
  if (spec.priority !== undefined && spec.priority !== value) {
    throw forbidden(PODS, pod.metadata.name, `the integer value of priority (${spec.priority}) must not be provided in pod spec; priority admission controller computed ${value} from the given PriorityClass name`);
  }
  if (spec.preemptionPolicy !== undefined && spec.preemptionPolicy !== policy) {
    throw forbidden(PODS, pod.metadata.name, `the string value of PreemptionPolicy (${spec.preemptionPolicy}) must not be provided in pod spec; priority admission controller computed ${policy} from the given PriorityClass name`);
  }
  spec.priority = value;
  spec.preemptionPolicy = policy;
}

/** ServiceAccount: the namespace's default one, unless another is named; it must exist. */
async function setServiceAccount(pod: ApiObject, context: WriteContext): Promise<void> {
  const spec = pod["spec"];
  spec.serviceAccountName = spec.serviceAccountName || "default";
  spec.serviceAccount = spec.serviceAccountName;
  // The default account of a new namespace is made by a controller a moment later; a pod does not wait for it.
  if (spec.serviceAccountName === "default") return;
  const found = await context.lookup.find({ group: "", resource: "serviceaccounts" }, pod.metadata.namespace!, spec.serviceAccountName);
  if (!found) throw forbidden(PODS, pod.metadata.name, `error looking up service account ${pod.metadata.namespace}/${spec.serviceAccountName}: serviceaccount "${spec.serviceAccountName}" not found`);
}

/**
 * RuntimeClass: the class named must exist, and none can here, for the resource is not served; an overhead is a class's to give.
 */
function refuseRuntimeClass({ metadata, spec }: ApiObject): void {
  const { runtimeClassName, overhead } = spec;
  if (runtimeClassName !== undefined) throw forbidden(PODS, metadata.name, `pod rejected: RuntimeClass ${JSON.stringify(runtimeClassName)} not found`);
  if (overhead !== undefined) throw forbidden(PODS, metadata.name, "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead");
}

/** The mutating admission of pods that a default kube-apiserver has. */
export async function admitPod(pod: ApiObject, context: WriteContext): Promise<void> {
  fillFromLimitRanges(pod, context);
  await setServiceAccount(pod, context);
  await setPriority(pod, context);
  refuseRuntimeClass(pod);
  tolerateSilence(pod["spec"]);
}
