import { isDeepStrictEqual } from "node:util";
import type { StatusCause } from "../errors.js";
import { type ApiObject, cloneObject } from "../object.js";
import { validateTolerations } from "./affinity.js";
import { forbiddenField, invalidValue } from "./field-path.js";
import type { Json } from "./json.js";
import { validatePodSpec } from "./pod-spec.js";

const UPDATABLE =
  "`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

/** A new pod, after defaulting and admission. */
export function validatePod(pod: ApiObject): StatusCause[] {
  const causes = validatePodSpec(pod["spec"], "spec");
  if ((pod["spec"].ephemeralContainers ?? []).length > 0) causes.push(forbiddenField("spec.ephemeralContainers", "cannot be set on create"));
  return causes;
}

/** Which fields differ, one line each, old before new. */
function difference(old: Json, now: Json, path: string, lines: string[]): void {
  if (isDeepStrictEqual(old, now)) return;
  const isInner = old !== null && now !== null && typeof old === "object" && typeof now === "object" && Array.isArray(old) === Array.isArray(now);
  if (!isInner) {
    if (old !== undefined) lines.push(`- ${path}: ${JSON.stringify(old)}`);
    if (now !== undefined) lines.push(`+ ${path}: ${JSON.stringify(now)}`);
    return;
  }
  for (const key of new Set([...Object.keys(old), ...Object.keys(now)])) difference(old[key], now[key], Array.isArray(old) ? `${path}[${key}]` : `${path}.${key}`, lines);
}

function sameCount(spec: Json, old: Json, name: string): StatusCause[] {
  return (spec[name] ?? []).length === (old[name] ?? []).length ? [] : [forbiddenField(`spec.${name}`, "pod updates may not add or remove containers")];
}

function validateDeadline(now: number | undefined, old: number | undefined): StatusCause[] {
  const field = "spec.activeDeadlineSeconds";
  if (old === undefined) return [];
  if (now === undefined) return [invalidValue(field, null, "must not update from a positive integer to nil value")];
  return now > old ? [invalidValue(field, now, "must be less than or equal to previous value")] : [];
}

function validateAddedTolerations(now: Json[], old: Json[]): StatusCause[] {
  const same = (left: Json, right: Json): boolean => isDeepStrictEqual({ ...left, tolerationSeconds: 0 }, { ...right, tolerationSeconds: 0 });
  const lost = old.some((toleration) => !now.some((candidate) => same(candidate, toleration)));
  return lost ? [forbiddenField("spec.tolerations", "existing toleration can not be modified except its tolerationSeconds")] : [];
}

/** Gates can only be taken away; while one is left, selectors may become narrower. */
function validateGated(spec: Json, old: Json): StatusCause[] {
  const before = ((old.schedulingGates ?? []) as Json[]).map((gate) => gate.name as string);
  const added = ((spec.schedulingGates ?? []) as Json[]).find((gate) => !before.includes(gate.name));
  return added ? [forbiddenField("spec.schedulingGates", `only deletion is allowed, but found new scheduling gate '${added.name}'`)] : [];
}

function validateNarrowedSelector(now: Record<string, string>, old: Record<string, string>): StatusCause[] {
  const isKept = Object.entries(old).every(([key, value]) => now[key] === value);
  return isKept ? [] : [invalidValue("spec.nodeSelector", now, "only additions are allowed (no mutations or deletions)")];
}

/** An update of a pod: its spec is fixed but for images, deadline, added tolerations and the removal of gates. */
export function validatePodUpdate(pod: ApiObject, oldPod: ApiObject): StatusCause[] {
  const spec = pod["spec"];
  const old = oldPod["spec"];
  const counts = [...sameCount(spec, old, "containers"), ...sameCount(spec, old, "initContainers")];
  if (counts.length > 0) return counts;
  const causes = [
    ...validateDeadline(spec.activeDeadlineSeconds, old.activeDeadlineSeconds),
    ...validateAddedTolerations(spec.tolerations ?? [], old.tolerations ?? []),
    ...validateTolerations(spec.tolerations, "spec.tolerations"),
    ...validateGated(spec, old),
  ];
  for (const name of ["containers", "initContainers"]) {
    ((spec[name] ?? []) as Json[]).forEach((container, index) => {
      if (!container.image) causes.push({ reason: "FieldValueRequired", message: "Required value", field: `spec.${name}[${index}].image` });
    });
  }
  if (causes.length > 0) return causes;
  const munged = cloneObject(spec);
  for (const name of ["containers", "initContainers"]) {
    ((munged[name] ?? []) as Json[]).forEach((container, index) => {
      container.image = old[name][index].image;
    });
  }
  for (const name of ["activeDeadlineSeconds", "tolerations", "schedulingGates"]) {
    if (old[name] === undefined) delete munged[name];
    else munged[name] = old[name];
  }
  if (old.terminationGracePeriodSeconds < 0 && munged.terminationGracePeriodSeconds === 1) munged.terminationGracePeriodSeconds = old.terminationGracePeriodSeconds;
  if ((old.schedulingGates ?? []).length > 0) {
    const narrowed = validateNarrowedSelector(munged.nodeSelector ?? {}, old.nodeSelector ?? {});
    if (narrowed.length > 0) return narrowed;
    for (const name of ["nodeSelector", "affinity"]) {
      if (old[name] === undefined) delete munged[name];
      else if (name === "nodeSelector") munged[name] = old[name];
    }
  }
  if (isDeepStrictEqual(munged, old)) return [];
  const lines: string[] = [];
  difference(old, munged, "spec", lines);
  return [forbiddenField("spec", `pod updates may not change fields other than ${UPDATABLE}\n${lines.join("\n")}\n`)];
}

const PHASES = ["Failed", "Pending", "Running", "Succeeded", "Unknown"];

/** A write of pods/status. */
export function validatePodStatus(pod: ApiObject): StatusCause[] {
  const phase = pod["status"]?.phase;
  return phase === undefined || PHASES.includes(phase) ? [] : [invalidValue("status.phase", phase, `must be one of ${PHASES.join(", ")}`)];
}
