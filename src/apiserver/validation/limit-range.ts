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

type List = (typeof LISTS)[number];
type Row = Readonly<Partial<Record<List, Quantity>>>;

/** What may not be above what: min <= defaultRequest <= default <= max. `at` is the list that is blamed, `shown` the one whose value is. */
const ORDER: readonly { readonly low: List; readonly lowWords: string; readonly high: List; readonly highWords: string; readonly at: List; readonly shown: List }[] = [
  { low: "min", lowWords: "min value", high: "max", highWords: "max value", at: "min", shown: "min" },
  { low: "min", lowWords: "min value", high: "defaultRequest", highWords: "default request value", at: "defaultRequest", shown: "defaultRequest" },
  { low: "defaultRequest", lowWords: "default request value", high: "max", highWords: "max value", at: "defaultRequest", shown: "defaultRequest" },
  { low: "defaultRequest", lowWords: "default request value", high: "default", highWords: "default limit value", at: "defaultRequest", shown: "defaultRequest" },
  { low: "min", lowWords: "min value", high: "default", highWords: "default value", at: "default", shown: "min" },
  { low: "default", lowWords: "default value", high: "max", highWords: "max value", at: "default", shown: "max" },
];

/** The bounds of one resource must leave room for each other. */
function validateRow(name: string, row: Row, at: string): StatusCause[] {
  const causes: StatusCause[] = [];
  const text = (list: List): string => row[list]?.toString() ?? "";
  const refuse = (list: List, shown: List, detail: string): void => void causes.push(invalidValue(`${at}.${list}[${name}]`, text(shown), detail));
  for (const rule of ORDER) {
    const [low, high] = [row[rule.low], row[rule.high]];
    if (low !== undefined && high !== undefined && low.compare(high) > 0) refuse(rule.at, rule.shown, `${rule.lowWords} ${text(rule.low)} is greater than ${rule.highWords} ${text(rule.high)}`);
  }
  const ratio = row.maxLimitRequestRatio;
  if (ratio !== undefined && ratio.compare(Quantity.of(1)) < 0) refuse("maxLimitRequestRatio", "maxLimitRequestRatio", `ratio ${text("maxLimitRequestRatio")} is less than 1`);
  if (ratio !== undefined && row.min !== undefined && row.max !== undefined) {
    const most = row.max.toNumber() / row.min.toNumber();
    if (ratio.toNumber() > most) refuse("maxLimitRequestRatio", "maxLimitRequestRatio", `ratio ${text("maxLimitRequestRatio")} is greater than max/min = ${most.toFixed(6)}`);
  }
  const mayDiffer = !name.includes("/") && !name.startsWith("hugepages-");
  if (!mayDiffer && row.default !== undefined && row.defaultRequest !== undefined && row.default.compare(row.defaultRequest) !== 0) {
    refuse("defaultRequest", "defaultRequest", `default value ${text("default")} must equal to defaultRequest value ${text("defaultRequest")} in ${name}`);
  }
  return causes;
}

function validateItem(item: LimitRangeItem, at: string): StatusCause[] {
  const causes: StatusCause[] = [];
  const isPod = item.type === "Pod";
  const rows = new Map<string, Partial<Record<List, Quantity>>>();
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
