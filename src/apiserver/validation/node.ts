import type { StatusCause } from "../errors.js";
import type { ApiObject } from "../object.js";
import { duplicateValue, forbiddenField, invalidValue, oneOf, required } from "./field-path.js";
import type { Json } from "./json.js";
import { labelValueComplaints, qualifiedNameComplaints } from "./names.js";

const EFFECTS = ["NoExecute", "NoSchedule", "PreferNoSchedule"];

function validateTaints(taints: Json[] | undefined, field: string): StatusCause[] {
  const seen = new Set<string>();
  return (taints ?? []).flatMap((taint: Json, index: number) => {
    const at = `${field}[${index}]`;
    const causes = qualifiedNameComplaints(taint.key ?? "").map((complaint) => invalidValue(`${at}.key`, taint.key ?? "", complaint));
    causes.push(...labelValueComplaints(taint.value ?? "").map((complaint) => invalidValue(`${at}.value`, taint.value ?? "", complaint)));
    if (!taint.effect) causes.push(required(`${at}.effect`));
    else causes.push(...oneOf(`${at}.effect`, taint.effect, EFFECTS));
    const pair = `${taint.key}:${taint.effect}`;
    if (seen.has(pair)) causes.push({ ...duplicateValue(at, taint), message: `Duplicate value: ${JSON.stringify(taint)}: taints must be unique by key and effect pair` });
    seen.add(pair);
    return causes;
  });
}

export function validateNode(node: ApiObject): StatusCause[] {
  return validateTaints(node["spec"]?.taints, "spec.taints");
}

export function validateNodeUpdate(node: ApiObject, old: ApiObject): StatusCause[] {
  const causes = validateTaints(node["spec"]?.taints, "spec.taints");
  const before = old["spec"]?.providerID;
  if (before && node["spec"]?.providerID !== before) causes.push(forbiddenField("spec.providerID", "node updates may not change providerID except from \"\" to valid"));
  return causes;
}
