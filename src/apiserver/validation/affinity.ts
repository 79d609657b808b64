import type { StatusCause } from "../errors.js";
import { duplicateValue, forbiddenField, invalidValue, oneOf, required } from "./field-path.js";
import type { Json } from "./json.js";
import { validateLabelSelector } from "./label-selector.js";
import { labelComplaints, labelValueComplaints, qualifiedNameComplaints } from "./names.js";

/** One requirement of a node selector term. */
function validateRequirement(requirement: Json, field: string): StatusCause[] {
  const causes: StatusCause[] = [];
  const values = (requirement.values ?? []) as string[];
  switch (requirement.operator) {
    case "In":
    case "NotIn":
      if (values.length === 0) causes.push(required(`${field}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
      break;
    case "Exists":
    case "DoesNotExist":
      if (values.length > 0) causes.push(forbiddenField(`${field}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
      break;
    case "Gt":
    case "Lt":
      if (values.length !== 1) causes.push(required(`${field}.values`, "must be specified single value when `operator` is 'Lt' or 'Gt'"));
      break;
    default:
      causes.push(invalidValue(`${field}.operator`, requirement.operator ?? "", "not a valid selector operator"));
  }
  causes.push(...qualifiedNameComplaints(requirement.key ?? "").map((complaint) => invalidValue(`${field}.key`, requirement.key ?? "", complaint)));
  return causes;
}

function validateFieldRequirement(requirement: Json, field: string): StatusCause[] {
  const causes: StatusCause[] = [];
  const values = (requirement.values ?? []) as string[];
  if (requirement.operator === "In" || requirement.operator === "NotIn") {
    if (values.length !== 1) causes.push(required(`${field}.values`, "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"));
  } else causes.push(invalidValue(`${field}.operator`, requirement.operator ?? "", "not a valid selector operator"));
  if (requirement.key !== "metadata.name") causes.push(invalidValue(`${field}.key`, requirement.key ?? "", "not a valid field selector key"));
  return causes;
}

function validateTerm(term: Json, field: string): StatusCause[] {
  return [
    ...((term.matchExpressions ?? []) as Json[]).flatMap((requirement, index) => validateRequirement(requirement, `${field}.matchExpressions[${index}]`)),
    ...((term.matchFields ?? []) as Json[]).flatMap((requirement, index) => validateFieldRequirement(requirement, `${field}.matchFields[${index}]`)),
  ];
}

function validateNodeAffinity(affinity: Json, field: string): StatusCause[] {
  const causes: StatusCause[] = [];
  const strict = affinity.requiredDuringSchedulingIgnoredDuringExecution;
  if (strict) {
    const at = `${field}.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms`;
    const terms = (strict.nodeSelectorTerms ?? []) as Json[];
    if (terms.length === 0) causes.push(required(at, "must have at least one node selector term"));
    terms.forEach((term, index) => causes.push(...validateTerm(term, `${at}[${index}]`)));
  }
  ((affinity.preferredDuringSchedulingIgnoredDuringExecution ?? []) as Json[]).forEach((preference, index) => {
    const at = `${field}.preferredDuringSchedulingIgnoredDuringExecution[${index}]`;
    if (!(preference.weight >= 1 && preference.weight <= 100)) causes.push(invalidValue(`${at}.weight`, preference.weight ?? 0, "must be in the range 1-100"));
    causes.push(...validateTerm(preference.preference ?? {}, `${at}.preference`));
  });
  return causes;
}

function validatePodTerm(term: Json, field: string): StatusCause[] {
  const causes = [...validateLabelSelector(term.labelSelector, `${field}.labelSelector`), ...validateLabelSelector(term.namespaceSelector, `${field}.namespaceSelector`)];
  for (const name of (term.namespaces ?? []) as string[]) causes.push(...labelComplaints(name).map((complaint) => invalidValue(`${field}.namespace`, name, complaint)));
  if (!term.topologyKey) causes.push(required(`${field}.topologyKey`, "can not be empty"));
  causes.push(...qualifiedNameComplaints(term.topologyKey ?? "").map((complaint) => invalidValue(`${field}.topologyKey`, term.topologyKey ?? "", complaint)));
  return causes;
}

function validatePodAffinity(affinity: Json, field: string): StatusCause[] {
  const causes: StatusCause[] = [];
  ((affinity.requiredDuringSchedulingIgnoredDuringExecution ?? []) as Json[]).forEach((term, index) => {
    causes.push(...validatePodTerm(term, `${field}.requiredDuringSchedulingIgnoredDuringExecution[${index}]`));
  });
  ((affinity.preferredDuringSchedulingIgnoredDuringExecution ?? []) as Json[]).forEach((preference, index) => {
    const at = `${field}.preferredDuringSchedulingIgnoredDuringExecution[${index}]`;
    if (!(preference.weight >= 1 && preference.weight <= 100)) causes.push(invalidValue(`${at}.weight`, preference.weight ?? 0, "must be in the range 1-100"));
    causes.push(...validatePodTerm(preference.podAffinityTerm ?? {}, `${at}.podAffinityTerm`));
  });
  return causes;
}

export function validateAffinity(affinity: Json, field: string): StatusCause[] {
  if (!affinity) return [];
  return [
    ...(affinity.nodeAffinity ? validateNodeAffinity(affinity.nodeAffinity, `${field}.nodeAffinity`) : []),
    ...(affinity.podAffinity ? validatePodAffinity(affinity.podAffinity, `${field}.podAffinity`) : []),
    ...(affinity.podAntiAffinity ? validatePodAffinity(affinity.podAntiAffinity, `${field}.podAntiAffinity`) : []),
  ];
}

/** Tolerations, with the operators of 1.32. */
export function validateTolerations(tolerations: Json[] | undefined, field: string): StatusCause[] {
  return (tolerations ?? []).flatMap((toleration: Json, index: number) => {
    const at = `${field}[${index}]`;
    const causes: StatusCause[] = [];
    const { key = "", operator = "", value = "", effect = "", tolerationSeconds } = toleration;
    if (key !== "") causes.push(...qualifiedNameComplaints(key).map((complaint) => invalidValue(`${at}.key`, key, complaint)));
    if (key === "" && operator !== "Exists") causes.push(invalidValue(`${at}.operator`, operator, "operator must be Exists when `key` is empty, which means \"match all values and all keys\""));
    if (tolerationSeconds !== undefined && effect !== "NoExecute") causes.push(invalidValue(`${at}.effect`, effect, "effect must be 'NoExecute' when `tolerationSeconds` is set"));
    if (operator === "" || operator === "Equal") causes.push(...labelValueComplaints(value).map((complaint) => invalidValue(`${at}.operator`, value, complaint)));
    else if (operator === "Exists") {
      if (value !== "") causes.push(invalidValue(`${at}.operator`, toleration, "value must be empty when `operator` is 'Exists'"));
    } else causes.push(...oneOf(`${at}.operator`, operator, ["Equal", "Exists"]));
    if (effect !== "") causes.push(...oneOf(`${at}.effect`, effect, ["NoExecute", "NoSchedule", "PreferNoSchedule"]));
    return causes;
  });
}

export function validateSpread(constraints: Json[] | undefined, field: string): StatusCause[] {
  const seen = new Set<string>();
  return (constraints ?? []).flatMap((constraint: Json, index: number) => {
    const at = `${field}[${index}]`;
    const causes: StatusCause[] = [];
    if (!(constraint.maxSkew > 0)) causes.push(invalidValue(`${at}.maxSkew`, constraint.maxSkew ?? 0, "must be greater than zero"));
    if (!constraint.topologyKey) causes.push(required(`${at}.topologyKey`, "can not be empty"));
    if (!constraint.whenUnsatisfiable) causes.push(required(`${at}.whenUnsatisfiable`, "can not be empty"));
    else causes.push(...oneOf(`${at}.whenUnsatisfiable`, constraint.whenUnsatisfiable, ["DoNotSchedule", "ScheduleAnyway"]));
    const pair = `{${constraint.topologyKey ?? ""}, ${constraint.whenUnsatisfiable ?? ""}}`;
    if (seen.has(pair)) causes.push(duplicateValue(`${at}.{topologyKey, whenUnsatisfiable}`, pair));
    seen.add(pair);
    if (constraint.minDomains !== undefined) {
      if (constraint.minDomains <= 0) causes.push(invalidValue(`${at}.minDomains`, constraint.minDomains, "must be greater than zero"));
      if (constraint.whenUnsatisfiable !== "DoNotSchedule") causes.push(invalidValue(`${at}.minDomains`, constraint.minDomains, `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${constraint.whenUnsatisfiable}`));
    }
    causes.push(...oneOf(`${at}.nodeAffinityPolicy`, constraint.nodeAffinityPolicy, ["Honor", "Ignore"]), ...oneOf(`${at}.nodeTaintsPolicy`, constraint.nodeTaintsPolicy, ["Honor", "Ignore"]));
    causes.push(...validateLabelSelector(constraint.labelSelector, `${at}.labelSelector`));
    return causes;
  });
}
