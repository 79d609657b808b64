import { Quantity } from "../../base/quantity.js";
import type { StatusCause } from "../errors.js";
import { forbiddenField, invalidValue, required } from "./field-path.js";
import type { Json } from "./json.js";
import { qualifiedNameComplaints } from "./names.js";

const STANDARD = new Set(["cpu", "memory", "ephemeral-storage"]);
const NANO = 1_000_000_000n;

/** Whether a resource may be promised more often than it exists. */
function isOvercommitAllowed(name: string): boolean {
  return !name.includes("/") && !name.startsWith("hugepages-");
}

function validateName(name: string, field: string): StatusCause[] {
  const complaints = qualifiedNameComplaints(name).map((complaint) => invalidValue(field, name, complaint));
  if (complaints.length > 0) return complaints;
  if (name.includes("/") || STANDARD.has(name) || name.startsWith("hugepages-")) return [];
  return [invalidValue(field, name, "must be a standard resource type or fully qualified"), invalidValue(field, name, "must be a standard resource for containers")];
}

function validateAmount(name: string, text: string, field: string): StatusCause[] {
  const quantity = Quantity.parse(text);
  const causes: StatusCause[] = [];
  if (quantity.nano < 0n) causes.push(invalidValue(field, text, "must be greater than or equal to 0"));
  if (name.includes("/") && quantity.nano % NANO !== 0n) causes.push(invalidValue(field, text, "must be an integer"));
  return causes;
}

/** `v1 ResourceRequirements` of a container: known names, no negative amounts, requests within limits. */
export function validateResources(resources: Json, field: string): StatusCause[] {
  const causes: StatusCause[] = [];
  const limits = (resources?.limits ?? {}) as Record<string, string>;
  const requests = (resources?.requests ?? {}) as Record<string, string>;
  for (const [name, text] of Object.entries(limits)) {
    const at = `${field}.limits[${name}]`;
    causes.push(...validateName(name, at), ...validateAmount(name, text, at));
  }
  for (const [name, text] of Object.entries(requests)) {
    const at = `${field}.requests[${name}]`;
    causes.push(...validateName(name, at), ...validateAmount(name, text, at));
    const limit = limits[name];
    if (limit !== undefined) {
      const order = Quantity.parse(text).compare(Quantity.parse(limit));
      if (order > 0) causes.push(invalidValue(`${field}.requests`, text, `must be less than or equal to ${name} limit of ${limit}`));
      else if (order !== 0 && !isOvercommitAllowed(name)) causes.push(invalidValue(`${field}.requests`, text, `must be equal to ${name} limit of ${limit}`));
    } else if (!isOvercommitAllowed(name)) causes.push(required(`${field}.limits`, "Limit must be set for non overcommitable resources"));
  }
  const names = [...Object.keys(limits), ...Object.keys(requests)];
  if (names.some((name) => name.startsWith("hugepages-")) && !names.some((name) => name === "cpu" || name === "memory")) causes.push(forbiddenField(field, "HugePages require cpu or memory"));
  return causes;
}
