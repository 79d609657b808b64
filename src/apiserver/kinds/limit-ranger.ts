import type { Quantity } from "../../base/quantity.js";
import type { Container } from "../../kubernetes/container.js";
import type { PodSpec } from "../../kubernetes/pod.js";
import { podTotal } from "../../kubernetes/quota-usage.js";
import { type Quantities, readQuantities } from "../../kubernetes/resource-list.js";
import type { LimitRange, LimitRangeItem } from "../../kubernetes/resource-policy.js";
import { forbidden } from "../errors.js";
import type { ApiObject } from "../object.js";
import type { WriteContext } from "./kind.js";

const PODS = { group: "", resource: "pods" };
const LIMIT_RANGES = { group: "", resource: "limitranges" };
/** Says which amounts were filled in here. */
const ANNOTATION = "kubernetes.io/limit-ranger";

/** The limit ranges of the pod's namespace, in order of their names. */
function rangesOf(pod: ApiObject, { lookup }: WriteContext): ApiObject[] {
  return [...lookup.inNamespace(LIMIT_RANGES, pod.metadata.namespace!)].sort((left, right) => (left.metadata.name < right.metadata.name ? -1 : 1));
}

function itemsOf(range: ApiObject): readonly LimitRangeItem[] {
  return (range as unknown as LimitRange).spec?.limits ?? [];
}

type Amounts = Record<string, string>;

/** Fills in what a list lacks; the names that were filled in, as the annotation has them. */
function fill(container: ApiObject[string], list: "requests" | "limits", defaults: Amounts): string | undefined {
  const amounts = { ...(container.resources?.[list] as Amounts | undefined) };
  const missing = Object.keys(defaults).filter((name) => amounts[name] === undefined).sort();
  if (missing.length === 0) return undefined;
  for (const name of missing) amounts[name] = defaults[name]!;
  container.resources = { ...container.resources, [list]: amounts };
  return missing.join(", ");
}

/**
 * LimitRanger's first half: containers get the requests and limits they do not state.
 *
 * Example: default cpu 500m, defaultRequest cpu 200m and container `c` without resources: requests 200m, limits 500m, and the annotation
 * `LimitRanger plugin set: cpu request for container c; cpu limit for container c`.
 */
export function fillFromLimitRanges(pod: ApiObject, context: WriteContext): void {
  for (const range of rangesOf(pod, context)) {
    const limits: Amounts = {};
    const requests: Amounts = {};
    for (const item of itemsOf(range)) {
      if (item.type !== "Container") continue;
      Object.assign(limits, item.default);
      Object.assign(requests, item.defaultRequest);
    }
    const notes: string[] = [];
    for (const [list, what] of [["containers", "container"], ["initContainers", "init container"]] as const) {
      for (const container of pod["spec"][list] ?? []) {
        const filledRequests = fill(container, "requests", requests);
        if (filledRequests !== undefined) notes.push(`${filledRequests} request for ${what} ${container.name}`);
        const filledLimits = fill(container, "limits", limits);
        if (filledLimits !== undefined) notes.push(`${filledLimits} limit for ${what} ${container.name}`);
      }
    }
    if (notes.length > 0) pod.metadata.annotations = { ...pod.metadata.annotations, [ANNOTATION]: `LimitRanger plugin set: ${notes.join("; ")}` };
  }
}

/** Requests and limits that are held against an item. */
interface Asked {
  readonly requests: Quantities;
  readonly limits: Quantities;
}

function tooLittle(type: string, name: string, min: Quantity, { requests, limits }: Asked): string | undefined {
  const request = requests.get(name);
  const limit = limits.get(name);
  const rule = `minimum ${name} usage per ${type} is ${min.toString()}`;
  if (request === undefined) return `${rule}.  No request is specified`;
  if (request.compare(min) < 0) return `${rule}, but request is ${request.toString()}`;
  return limit !== undefined && limit.compare(min) < 0 ? `${rule}, but limit is ${limit.toString()}` : undefined;
}

function tooMuch(type: string, name: string, max: Quantity, { requests, limits }: Asked): string | undefined {
  const request = requests.get(name);
  const limit = limits.get(name);
  const rule = `maximum ${name} usage per ${type} is ${max.toString()}`;
  if (limit === undefined) return `${rule}.  No limit is specified`;
  if (limit.compare(max) > 0) return `${rule}, but limit is ${limit.toString()}`;
  return request !== undefined && request.compare(max) > 0 ? `${rule}, but request is ${request.toString()}` : undefined;
}

function tooWide(type: string, name: string, most: Quantity, { requests, limits }: Asked): string | undefined {
  const request = requests.get(name);
  const limit = limits.get(name);
  const rule = `${name} max limit to request ratio per ${type} is ${most.toString()}`;
  if (request === undefined || request.isZero) return `${rule}, but no request is specified or request is 0`;
  if (limit === undefined || limit.isZero) return `${rule}, but no limit is specified or limit is 0`;
  const ratio = limit.toNumber() / request.toNumber();
  return ratio > most.toNumber() ? `${rule}, but provided ratio is ${ratio.toFixed(6)}` : undefined;
}

function violations(item: LimitRangeItem, asked: Asked): string[] {
  const each = (list: Amounts | undefined, check: typeof tooLittle): string[] =>
    [...readQuantities(list)].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([name, bound]) => check(item.type, name, bound, asked) ?? []);
  return [...each(item.min, tooLittle), ...each(item.max, tooMuch), ...each(item.maxLimitRequestRatio, tooWide)];
}

function askedBy({ resources }: Container): Asked {
  return { requests: readQuantities(resources?.requests), limits: readQuantities(resources?.limits) };
}

/** LimitRanger's second half, after validation: 403 with everything the first offended limit range holds against the pod. */
export function checkLimitRanges(pod: ApiObject, context: WriteContext): void {
  const spec = pod["spec"] as PodSpec;
  for (const range of rangesOf(pod, context)) {
    const found = itemsOf(range).flatMap((item) => {
      if (item.type === "Container") return [...spec.containers, ...(spec.initContainers ?? [])].flatMap((container) => violations(item, askedBy(container)));
      return item.type === "Pod" ? violations(item, { requests: podTotal(spec, "requests"), limits: podTotal(spec, "limits") }) : [];
    });
    const texts = [...new Set(found)];
    if (texts.length > 0) throw forbidden(PODS, pod.metadata.name, texts.length === 1 ? texts[0]! : `[${texts.join(", ")}]`);
  }
}
