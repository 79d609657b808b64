import { Quantity } from "../../base/quantity.js";
import type { LimitRangeItem } from "../../kubernetes/resource-policy.js";
import type { StatusCause } from "../errors.js";
import type { ApiObject } from "../object.js";
import { duplicateValue, forbiddenField, invalidValue, required } from "./field-path.js";
import { qualifiedNameComplaints } from "./names.js";

const TYPES: ReadonlySet<string> = new Set(["Pod", "Container", "PersistentVolumeClaim"]);
const CONTAINER_RESOURCES: ReadonlySet<string> = new Set(["cpu", "memory", "ephemeral-storage"]);
/** What may be bounded of things that are neither pods nor containers. */
const STANDARD_RESOURCES: ReadonlySet<string> = new Set([...CONTAINER_RESOURCES, "storage", "requests.storage", "pods", "services", "secrets", "configmaps", "persistentvolumeclaims", "resourcequotas", "replicationcontrollers"]);
const LISTS = ["max", "min", "default", "defaultRequest", "maxLimitRequestRatio"] as const;

function validateType(type: string, field: string): StatusCause[] {
  const complaints = qualifiedNameComplaints(type).map((complaint) => invalidValue(field, type, complaint));
  if (complaints.length > 0 || type.includes("/") || TYPES.has(type)) return complaints;
  return [invalidValue(field, type, "must be a standard limit type or fully qualified")];
}

function validateName(type: string, name: string, field: string): StatusCause[] {
  const complaints = qualifiedNameComplaints(name).map((complaint) => invalidValue(field, name, complaint));
  if (complaints.length > 0 || name.includes("/") || name.startsWith("hugepages-")) return complaints;
  const isOfPods = type === "Pod" || type === "Container";
  if (isOfPods ? CONTAINER_RESOURCES.has(name) : STANDARD_RESOURCES.has(name)) return [];
  const notStandard = STANDARD_RESOURCES.has(name) ? [] : [invalidValue(field, name, "must be a standard resource type or fully qualified")];
  return isOfPods ? [...notStandard, invalidValue(field, name, "must be a standard resource for containers")] : notStandard;
}

type Row = Readonly<Partial<Record<(typeof LISTS)[number], Quantity>>>;

/** The bounds of one resource must leave room for each other: min <= defaultRequest <= default <= max. */
function validateRow(name: string, { min, max, default: limit, defaultRequest: request, maxLimitRequestRatio: ratio }: Row, at: string): StatusCause[] {
  const causes: StatusCause[] = [];
  const above = (left: Quantity | undefined, right: Quantity | undefined): boolean => left !== undefined && right !== undefined && left.compare(right) > 0;
  const refuse = (list: (typeof LISTS)[number], value: Quantity | undefined, detail: string): void => void causes.push(invalidValue(`${at}.${list}[${name}]`, String(value), detail));
  if (above(min, max)) refuse("min", min, `min value ${min} is greater than max value ${max}`);
  if (above(min, request)) refuse("defaultRequest", request, `min value ${min} is greater than default request value ${request}`);
  if (above(request, max)) refuse("defaultRequest", request, `default request value ${request} is greater than max value ${max}`);
  if (above(request, limit)) refuse("defaultRequest", request, `default request value ${request} is greater than default limit value ${limit}`);
  if (above(min, limit)) refuse("default", min, `min value ${min} is greater than default value ${limit}`);
  if (above(limit, max)) refuse("default", max, `default value ${limit} is greater than max value ${max}`);
  if (above(Quantity.of(1), ratio)) refuse("maxLimitRequestRatio", ratio, `ratio ${ratio} is less than 1`);
  if (ratio !== undefined && min !== undefined && max !== undefined) {
    const most = max.toNumber() / min.toNumber();
    if (ratio.toNumber() > most) refuse("maxLimitRequestRatio", ratio, `ratio ${ratio} is greater than max/min = ${most.toFixed(6)}`);
  }
  const mayDiffer = !name.includes("/") && !name.startsWith("hugepages-");
  if (!mayDiffer && limit !== undefined && request !== undefined && limit.compare(request) !== 0) {
    refuse("defaultRequest", request, `default value ${limit} must equal to defaultRequest value ${request} in ${name}`);
  }
  return causes;
}

function validateItem(item: LimitRangeItem, at: string): StatusCause[] {
  const causes: StatusCause[] = [];
  const isPod = item.type === "Pod";
  const rows = new Map<string, Partial<Record<(typeof LISTS)[number], Quantity>>>();
  for (const list of LISTS) {
    const entries = Object.entries(item[list] ?? {});
    if (isPod && (list === "default" || list === "defaultRequest")) {
      if (entries.length > 0) causes.push(forbiddenField(`${at}.${list}`, "may not be specified when `type` is 'Pod'"));
      continue;
    }
    for (const [name, text] of entries) {
      causes.push(...validateName(item.type, name, `${at}.${list}[${name}]`));
      const row = rows.get(name) ?? {};
      row[list] = Quantity.parse(text);
      rows.set(name, row);
    }
  }
  if (item.type === "PersistentVolumeClaim" && item.min?.["storage"] === undefined && item.max?.["storage"] === undefined) {
    causes.push(required(`${at}.limits`, "either minimum or maximum storage value is required, but neither was provided"));
  }
  for (const [name, row] of [...rows].sort(([a], [b]) => (a < b ? -1 : 1))) causes.push(...validateRow(name, row, at));
  return causes;
}

/** `v1 LimitRange`: known types, each once, and bounds that do not contradict each other. */
export function validateLimitRange(object: ApiObject): StatusCause[] {
  const items = (object["spec"]?.limits ?? []) as LimitRangeItem[];
  return items.flatMap((item, index) => {
    const at = `spec.limits[${index}]`;
    const isRepeated = items.slice(0, index).some(({ type }) => type === item.type);
    return [...validateType(item.type ?? "", `${at}.type`), ...(isRepeated ? [duplicateValue(`${at}.type`, item.type)] : []), ...validateItem(item, at)];
  });
}
