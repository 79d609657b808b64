import { Quantity } from "../../base/quantity.js";
import type { ResourceQuotaSpec } from "../../kubernetes/resource-policy.js";
import type { StatusCause } from "../errors.js";
import type { ApiObject } from "../object.js";
import { invalidValue, required } from "./field-path.js";
import { qualifiedNameComplaints } from "./names.js";

const COMPUTE = ["cpu", "memory", "ephemeral-storage"].flatMap((name) => [name, `requests.${name}`, `limits.${name}`]);
/** Whole pieces, never fractions. */
const COUNTS: ReadonlySet<string> = new Set(["pods", "resourcequotas", "services", "replicationcontrollers", "secrets", "configmaps", "persistentvolumeclaims", "services.nodeports", "services.loadbalancers"]);
const QUOTA_NAMES: ReadonlySet<string> = new Set([...COMPUTE, ...COUNTS, "requests.storage"]);
const POD_SCOPES: ReadonlySet<string> = new Set(["Terminating", "NotTerminating", "NotBestEffort", "PriorityClass", "CrossNamespacePodAffinity"]);
const SCOPES: ReadonlySet<string> = new Set([...POD_SCOPES, "BestEffort"]);
const CONFLICTING = [["BestEffort", "NotBestEffort"], ["Terminating", "NotTerminating"]] as const;

function isHugePages(name: string): boolean {
  return name.startsWith("hugepages-") || name.startsWith("requests.hugepages-");
}

function validateName(name: string, field: string): StatusCause[] {
  const complaints = qualifiedNameComplaints(name).map((complaint) => invalidValue(field, name, complaint));
  if (name.includes("/") || QUOTA_NAMES.has(name) || isHugePages(name)) return complaints;
  if (complaints.length === 0 && name !== "storage") complaints.push(invalidValue(field, name, "must be a standard resource type or fully qualified"));
  return [...complaints, invalidValue(field, name, "must be a standard resource for quota")];
}

function validateAmount(name: string, text: string, field: string): StatusCause[] {
  const { nano } = Quantity.parse(text);
  const isExtended = name.includes("/") && !name.includes("kubernetes.io/") && !name.startsWith("requests.");
  return [
    ...(nano < 0n ? [invalidValue(field, text, "must be greater than or equal to 0")] : []),
    ...((COUNTS.has(name) || isExtended) && nano % 1_000_000_000n !== 0n ? [invalidValue(field, text, "must be an integer")] : []),
  ];
}

function validateList(list: Readonly<Record<string, string>> | undefined, field: string): StatusCause[] {
  return Object.entries(list ?? {}).flatMap(([name, text]) => [...validateName(name, `${field}[${name}]`), ...validateAmount(name, text, `${field}[${name}]`)]);
}

/** Whether a quota of this scope may count this resource. */
function isCountable(scope: string, name: string): boolean {
  if (!QUOTA_NAMES.has(name) && !isHugePages(name)) return true;
  if (scope === "BestEffort") return name === "pods";
  return name === "pods" || COMPUTE.includes(name) || isHugePages(name);
}

function conflicts(scopes: readonly string[]): boolean {
  return CONFLICTING.some((pair) => pair.every((scope) => scopes.includes(scope)));
}

function validateScopes({ hard, scopes = [] }: ResourceQuotaSpec): StatusCause[] {
  const field = "spec.scopes";
  const causes: StatusCause[] = [];
  for (const scope of scopes) {
    if (!SCOPES.has(scope)) causes.push(invalidValue(field, scopes, "unsupported scope"));
    for (const name of Object.keys(hard ?? {}).sort()) if (SCOPES.has(scope) && !isCountable(scope, name)) causes.push(invalidValue(field, scopes, "unsupported scope applied to resource"));
  }
  if (conflicts(scopes)) causes.push(invalidValue(field, scopes, "conflicting scopes"));
  return causes;
}

function validateSelector({ hard, scopeSelector }: ResourceQuotaSpec): StatusCause[] {
  const field = "spec.scopeSelector.matchExpressions";
  const requirements = scopeSelector?.matchExpressions ?? [];
  const causes: StatusCause[] = [];
  for (const { scopeName, operator, values = [] } of requirements) {
    if (!SCOPES.has(scopeName)) causes.push(invalidValue(`${field}.scopeName`, scopeName, "unsupported scope"));
    for (const name of Object.keys(hard ?? {}).sort()) if (SCOPES.has(scopeName) && !isCountable(scopeName, name)) causes.push(invalidValue(field, scopeSelector, "unsupported scope applied to resource"));
    if (scopeName !== "PriorityClass" && SCOPES.has(scopeName) && operator !== "Exists") {
      causes.push(
        invalidValue(
          `${field}.operator`,
          operator,
          "must be 'Exist' only operator when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity",
        ),
      );
    }
    if (operator === "In" || operator === "NotIn") {
      if (values.length === 0) causes.push(required(`${field}.values`, "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"));
    } else if (operator === "Exists" || operator === "DoesNotExist") {
      if (values.length > 0) causes.push(invalidValue(`${field}.values`, values, "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector"));
    } else causes.push(invalidValue(`${field}.operator`, operator ?? "", "not a valid selector operator"));
  }
  if (conflicts(requirements.map(({ scopeName }) => scopeName))) causes.push(invalidValue(field, requirements, "conflicting scopes"));
  return causes;
}

/** `v1 ResourceQuota`: names a quota can count, no negative amounts, scopes that go together. */
export function validateQuota(object: ApiObject): StatusCause[] {
  const spec = (object["spec"] ?? {}) as ResourceQuotaSpec;
  return [...validateList(spec.hard, "spec.hard"), ...validateScopes(spec), ...validateSelector(spec)];
}

/** As at creation; the scopes stay as they are. */
export function validateQuotaUpdate(object: ApiObject, old: ApiObject): StatusCause[] {
  const scopes = (quota: ApiObject): string => JSON.stringify([...new Set((quota["spec"]?.scopes ?? []) as string[])].sort());
  return [...validateQuota(object), ...(scopes(object) === scopes(old) ? [] : [invalidValue("spec.scopes", object["spec"]?.scopes ?? [], "field is immutable")])];
}

/** A status write: what is enforced and what is used, by the same names. */
export function validateQuotaStatus(object: ApiObject): StatusCause[] {
  return [...validateList(object["status"]?.hard, "status.hard"), ...validateList(object["status"]?.used, "status.used")];
}
