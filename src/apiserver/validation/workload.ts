import { isDeepStrictEqual } from "node:util";
import { matchesLabelSelector } from "../../kubernetes/label-selector.js";
import type { StatusCause } from "../errors.js";
import type { ApiObject } from "../object.js";
import { forbiddenField, invalidValue, nonNegative, notSupported, oneOf, required } from "./field-path.js";
import type { Json } from "./json.js";
import { goSelector, validateLabelSelector } from "./label-selector.js";
import { validateAnnotations, validateLabels } from "./metadata.js";
import { validatePodSpec } from "./pod-spec.js";

function validateTemplate(object: ApiObject): StatusCause[] {
  const { selector, template } = object["spec"];
  const labels = (template.metadata?.labels ?? {}) as Record<string, string>;
  const causes: StatusCause[] = [];
  // An absent selector matches nothing, an empty one everything.
  const matches = selector !== undefined && (isEmpty(selector) || validateLabelSelector(selector, "spec.selector").length > 0 || matchesLabelSelector(selector, labels));
  if (!matches) causes.push(invalidValue("spec.template.metadata.labels", labels, "`selector` does not match template `labels`"));
  causes.push(...validateLabels(labels, "spec.template.labels"), ...validateAnnotations(template.metadata?.annotations, "spec.template.annotations"), ...validatePodSpec(template.spec, "spec.template.spec"));
  if (template.spec.restartPolicy !== "Always") causes.push(notSupported("spec.template.spec.restartPolicy", template.spec.restartPolicy, ["Always"]));
  if (template.spec.activeDeadlineSeconds !== undefined) causes.push(forbiddenField("spec.template.spec.activeDeadlineSeconds", "activeDeadlineSeconds in ReplicaSet is not Supported"));
  return causes;
}

function isEmpty(selector: Json): boolean {
  return Object.keys(selector.matchLabels ?? {}).length === 0 && (selector.matchExpressions ?? []).length === 0;
}

function validateSelector(object: ApiObject, noun: string): StatusCause[] {
  const { selector } = object["spec"];
  if (!selector) return [required("spec.selector")];
  const causes = validateLabelSelector(selector, "spec.selector");
  if (isEmpty(selector)) causes.push(invalidValue("spec.selector", goSelector(selector), `empty selector is invalid for ${noun}`));
  return causes;
}

function validateAmount(value: unknown, field: string): StatusCause[] {
  if (typeof value === "number") return nonNegative(field, value);
  return /^[0-9]+%$/.test(String(value)) ? [] : [invalidValue(field, value, "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')")];
}

function isNone(value: unknown): boolean {
  return value === 0 || value === "0%";
}

function validateStrategy(spec: Json): StatusCause[] {
  const { strategy } = spec;
  const causes = oneOf("spec.strategy.type", strategy.type, ["Recreate", "RollingUpdate"]);
  if (strategy.type === "Recreate" && strategy.rollingUpdate) causes.push(forbiddenField("spec.strategy.rollingUpdate", "may not be specified when strategy `type` is 'Recreate'"));
  if (strategy.type !== "RollingUpdate") return causes;
  const { maxUnavailable, maxSurge } = strategy.rollingUpdate;
  causes.push(...validateAmount(maxUnavailable, "spec.strategy.rollingUpdate.maxUnavailable"), ...validateAmount(maxSurge, "spec.strategy.rollingUpdate.maxSurge"));
  if (isNone(maxUnavailable) && isNone(maxSurge)) causes.push(invalidValue("spec.strategy.rollingUpdate.maxUnavailable", maxUnavailable, "may not be 0 when `maxSurge` is 0"));
  return causes;
}

/** `apps/v1 ReplicaSet`. */
export function validateReplicaSet(object: ApiObject): StatusCause[] {
  const spec = object["spec"];
  return [...nonNegative("spec.replicas", spec.replicas), ...nonNegative("spec.minReadySeconds", spec.minReadySeconds), ...validateSelector(object, "replicaset"), ...validateTemplate(object)];
}

/** `apps/v1 Deployment`. */
export function validateDeployment(object: ApiObject): StatusCause[] {
  const spec = object["spec"];
  const causes = [
    ...nonNegative("spec.replicas", spec.replicas),
    ...validateSelector(object, "deployment"),
    ...validateTemplate(object),
    ...validateStrategy(spec),
    ...nonNegative("spec.minReadySeconds", spec.minReadySeconds),
    ...nonNegative("spec.revisionHistoryLimit", spec.revisionHistoryLimit),
    ...nonNegative("spec.progressDeadlineSeconds", spec.progressDeadlineSeconds),
  ];
  if (spec.progressDeadlineSeconds !== undefined && spec.progressDeadlineSeconds <= (spec.minReadySeconds ?? 0)) {
    causes.push(invalidValue("spec.progressDeadlineSeconds", spec.progressDeadlineSeconds, "must be greater than minReadySeconds"));
  }
  return causes;
}

function validateSameSelector(object: ApiObject, old: ApiObject): StatusCause[] {
  return isDeepStrictEqual(object["spec"].selector, old["spec"].selector) ? [] : [invalidValue("spec.selector", goSelector(object["spec"].selector), "field is immutable")];
}

export function validateReplicaSetUpdate(object: ApiObject, old: ApiObject): StatusCause[] {
  return [...validateReplicaSet(object), ...validateSameSelector(object, old)];
}

export function validateDeploymentUpdate(object: ApiObject, old: ApiObject): StatusCause[] {
  return [...validateDeployment(object), ...validateSameSelector(object, old)];
}
