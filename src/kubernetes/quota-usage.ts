import { Quantity } from "../base/quantity.js";
import type { Container, ResourceRequirements } from "./container.js";
import type { KubernetesObject } from "./object-meta.js";
import { isSidecar } from "./pod-resources.js";
import type { Pod, PodSpec } from "./pod.js";
import { addQuantities, maxQuantities, type Quantities, readQuantities } from "./resource-list.js";
import { parseTime } from "./timestamp.js";

/** Group and plural of a kind, by which quotas count. */
export interface CountedKind {
  readonly group: string;
  readonly resource: string;
}

const ONE = Quantity.of(1);
/** Kinds of the core group that quotas also count under their bare plural. */
const BARE_COUNTS: ReadonlySet<string> = new Set(["configmaps", "persistentvolumeclaims", "replicationcontrollers", "resourcequotas", "secrets", "services"]);
/** What pods consume, beside hugepages and extended resources. */
const COMPUTE: ReadonlySet<string> = new Set(["cpu", "memory", "ephemeral-storage"].flatMap((name) => [name, `requests.${name}`, `limits.${name}`]));
/** Where a quota counts one of these, every container must state it (Kubernetes calls this a mistake that stays). */
const MUST_BE_STATED: ReadonlySet<string> = new Set(["cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory"]);

/** `count/pods`, `count/deployments.apps`. */
export function objectCountName({ group, resource }: CountedKind): string {
  return group === "" ? `count/${resource}` : `count/${resource}.${group}`;
}

function isPods({ group, resource }: CountedKind): boolean {
  return group === "" && resource === "pods";
}

function isServices({ group, resource }: CountedKind): boolean {
  return group === "" && resource === "services";
}

/** Events are never counted. */
export function isCounted({ group, resource }: CountedKind): boolean {
  return !(resource === "events" && (group === "" || group === "events.k8s.io"));
}

/** Those names of a quota that objects of this kind use up. */
export function countedNames(of: CountedKind, names: Iterable<string>): string[] {
  const own = objectCountName(of);
  return [...names].filter((name) => {
    if (name === own) return true;
    if (isPods(of)) {
      if (name === "pods" || COMPUTE.has(name) || name.startsWith("hugepages-") || name.startsWith("requests.hugepages-")) return true;
      // Of extended resources only requests are counted: nvidia.com/gpu as requests.nvidia.com/gpu.
      return name.startsWith("requests.") && name.includes("/");
    }
    if (isServices(of) && (name === "services.nodeports" || name === "services.loadbalancers")) return true;
    return of.group === "" && BARE_COUNTS.has(of.resource) && name === of.resource;
  });
}

/** Requests and limits under the names quotas have for them. */
function computeUsage(requests: Quantities, limits: Quantities): Map<string, Quantity> {
  const used = new Map<string, Quantity>([["pods", ONE]]);
  for (const [name, amount] of requests) {
    if (name === "cpu" || name === "memory" || name === "ephemeral-storage" || name.startsWith("hugepages-")) used.set(name, amount).set(`requests.${name}`, amount);
    else if (name.includes("/")) used.set(`requests.${name}`, amount);
  }
  for (const [name, amount] of limits) if (name === "cpu" || name === "memory" || name === "ephemeral-storage") used.set(`limits.${name}`, amount);
  return used;
}

const NONE: Quantities = new Map();

/**
 * What a pod asks for as a whole: the greater of all its containers together and each init container with the sidecars started before
 * it, then the overhead. Limits take overhead only where the pod has a limit at all.
 */
export function podTotal(spec: PodSpec, which: "requests" | "limits"): Map<string, Quantity> {
  const of = ({ resources }: Container): Quantities => readQuantities(resources?.[which]);
  let apps: Quantities = NONE;
  for (const container of spec.containers) apps = addQuantities(apps, of(container));
  let sidecars: Quantities = NONE;
  let steps: Quantities = NONE;
  for (const container of spec.initContainers ?? []) {
    if (isSidecar(container)) {
      sidecars = addQuantities(sidecars, of(container));
      steps = maxQuantities(steps, sidecars);
    } else steps = maxQuantities(steps, addQuantities(sidecars, of(container)));
  }
  const total = maxQuantities(addQuantities(apps, sidecars), steps);
  const overhead = [...readQuantities(spec.overhead)].filter(([name]) => which === "requests" || total.has(name));
  return addQuantities(total, new Map(overhead));
}

/** Whether a pod still uses what it asked for: not once it has ended, or has outlived the grace of its deletion. */
export function isCharged(pod: Pod, nowMs: number): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds } = pod.metadata;
  const deletionMs = parseTime(deletionTimestamp);
  if (deletionMs !== undefined && deletionGracePeriodSeconds !== undefined && nowMs > deletionMs + deletionGracePeriodSeconds * 1000) return false;
  return pod.status?.phase !== "Failed" && pod.status?.phase !== "Succeeded";
}

interface ServiceLike extends KubernetesObject {
  readonly spec?: { readonly type?: string; readonly ports?: readonly object[]; readonly allocateLoadBalancerNodePorts?: boolean };
}

function serviceUsage({ spec }: ServiceLike): [string, Quantity][] {
  const ports = spec?.ports?.length ?? 0;
  const isBalanced = spec?.type === "LoadBalancer";
  const nodePorts = spec?.type === "NodePort" || (isBalanced && spec?.allocateLoadBalancerNodePorts !== false) ? ports : 0;
  return [
    ["services.nodeports", Quantity.of(nodePorts)],
    ["services.loadbalancers", Quantity.of(isBalanced ? 1 : 0)],
  ];
}

/** What one object uses up of a quota, under every name a quota may count it by. */
export function usageOf(of: CountedKind, object: KubernetesObject, nowMs: number): Quantities {
  const used = new Map<string, Quantity>([[objectCountName(of), ONE]]);
  if (isPods(of)) {
    const pod = object as Pod;
    return isCharged(pod, nowMs) ? addQuantities(used, computeUsage(podTotal(pod.spec, "requests"), podTotal(pod.spec, "limits"))) : used;
  }
  if (of.group === "" && BARE_COUNTS.has(of.resource)) used.set(of.resource, ONE);
  if (isServices(of)) for (const [name, amount] of serviceUsage(object)) used.set(name, amount);
  return used;
}

/**
 * What containers fail to state although a quota counts it: `limits.cpu for: a,b; limits.memory for: b`. Undefined when all is stated.
 */
export function unstated(pod: { readonly spec: PodSpec }, names: Iterable<string>): string | undefined {
  const missing: string[] = [];
  const containers = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])];
  for (const name of [...names].filter((each) => MUST_BE_STATED.has(each)).sort()) {
    const without = containers.filter(({ resources }) => !isStated(resources, name)).map((container) => container.name);
    if (without.length > 0) missing.push(`${name} for: ${[...new Set(without)].sort().join(",")}`);
  }
  return missing.length === 0 ? undefined : missing.join("; ");
}

function isStated(resources: ResourceRequirements | undefined, name: string): boolean {
  const bare = name.slice(name.lastIndexOf(".") + 1);
  return (name.startsWith("limits.") ? resources?.limits : resources?.requests)?.[bare] !== undefined;
}
