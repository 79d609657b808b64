import { formatTime } from "../../kubernetes/timestamp.js";
import { badRequest, conflict, created, invalid, type Status } from "../errors.js";
import type { Kind } from "../kinds/kind.js";
import { type ApiObject, cloneObject } from "../object.js";
import type { Changed, Registry } from "../registry.js";
import type { WriteOptions } from "../request.js";
import { notSupported, required } from "../validation/field-path.js";
import { isSettled } from "./settled.js";
import { editObject } from "./update.js";

/** How a bound pod says so. */
function scheduled(conditions: readonly Record<string, unknown>[] | undefined, nowMs: number): Record<string, unknown>[] {
  const others = (conditions ?? []).filter((condition) => condition["type"] !== "PodScheduled");
  return [...others, { type: "PodScheduled", status: "True", lastTransitionTime: formatTime(nowMs) }];
}

/** Checks a Binding's own fields. */
function checkBinding(binding: ApiObject, name: string): void {
  const target = binding["target"] as { kind?: string; name?: string } | undefined;
  const causes = [];
  if (target?.kind && target.kind !== "Node" && target.kind !== "Minion") causes.push(notSupported("target.kind", target.kind, ["Node", "<empty>"]));
  if (!target?.name) causes.push(required("target.name"));
  if (causes.length > 0) throw invalid({ group: "", kind: "Binding" }, name, causes);
}

/**
 * Binds a pod to a node (`POST pods/{name}/binding`, step 6): sets spec.nodeName and PodScheduled=True, merges the binding's
 * annotations and labels. 409 when the pod is bound already or is another one than `metadata.uid` says.
 */
export async function bindPod(registry: Registry, pods: Kind, namespace: string, name: string, binding: ApiObject, options: WriteOptions): Promise<{ readonly status: Status; readonly changed: Changed }> {
  if (binding.metadata.name && binding.metadata.name !== name) throw badRequest("name in URL does not match name in Binding object");
  checkBinding(binding, name);
  const nodeName = (binding["target"] as { name: string }).name;
  const refuse = (why: string): never => {
    throw conflict({ group: "", resource: "pods/binding" }, name, why);
  };
  const changed = await editObject(
    registry,
    pods,
    namespace,
    name,
    (current) => {
      const pod = isSettled(current) ? { ...current, metadata: { ...current.metadata }, spec: { ...current["spec"] } } : cloneObject(current);
      const { uid, resourceVersion } = binding.metadata;
      if (uid && uid !== pod.metadata.uid) refuse(`Precondition failed: UID in precondition: ${uid}, UID in object meta: ${pod.metadata.uid}`);
      if (resourceVersion && resourceVersion !== pod.metadata.resourceVersion) {
        refuse(`Precondition failed: ResourceVersion in precondition: ${resourceVersion}, ResourceVersion in object meta: ${pod.metadata.resourceVersion}`);
      }
      if (pod.metadata.deletionTimestamp) refuse(`pod ${name} is being deleted, cannot be assigned to a host`);
      if (pod["spec"].nodeName) refuse(`pod ${name} is already assigned to node "${pod["spec"].nodeName}"`);
      if ((pod["spec"].schedulingGates ?? []).length > 0) refuse(`pod ${name} has non-empty .spec.schedulingGates`);
      pod["spec"].nodeName = nodeName;
      if (binding.metadata.annotations) pod.metadata.annotations = { ...pod.metadata.annotations, ...binding.metadata.annotations };
      pod["status"] = { ...pod["status"], conditions: scheduled(pod["status"]?.conditions, registry.emulated.nowMs()) };
      return pod;
    },
    { ...options, subresource: "binding" },
  );
  return { status: created(), changed };
}
