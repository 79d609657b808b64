import { Quantity } from "../base/quantity.js";
import type { Container, ResourceList, ResourceRequirements } from "./container.js";
import type { PodSpec } from "./pod.js";

/** Resource name to amount: millicores for `cpu`, whole units (bytes, pieces) for everything else. */
export type ResourceAmounts = ReadonlyMap<string, bigint>;

const none: ResourceAmounts = new Map();

/** Amount of one resource in the unit of `ResourceAmounts`. */
export function amountOf(resource: string, quantity: string): bigint {
  const parsed = Quantity.parse(quantity);
  return resource === "cpu" ? parsed.milliValue() : parsed.value();
}

/** The largest int32: so far the contracts count thousandths of a core. */
const MAX_CPU_MILLI = 2_147_483_647;

/** Thousandths of a core for a contract, two million cores at most. Absent is 0. */
export function cpuMilliOf(quantity: string | undefined): number {
  return Math.min(MAX_CPU_MILLI, Number(Quantity.parseOrZero(quantity).milliValue()));
}

/** A resource list as amounts. */
export function amountsOf(list: ResourceList | undefined): ResourceAmounts {
  if (list === undefined) return none;
  return new Map(Object.entries(list).map(([resource, quantity]) => [resource, amountOf(resource, quantity)]));
}

export function addAmounts(a: ResourceAmounts, b: ResourceAmounts): ResourceAmounts {
  if (a.size === 0) return b;
  const sum = new Map(a);
  for (const [resource, amount] of b) sum.set(resource, (sum.get(resource) ?? 0n) + amount);
  return sum;
}

export function subtractAmounts(a: ResourceAmounts, b: ResourceAmounts): ResourceAmounts {
  const difference = new Map(a);
  for (const [resource, amount] of b) difference.set(resource, (difference.get(resource) ?? 0n) - amount);
  return difference;
}

/** The greater of each resource. */
export function maxAmounts(a: ResourceAmounts, b: ResourceAmounts): ResourceAmounts {
  const greater = new Map(a);
  for (const [resource, amount] of b) if (amount > (greater.get(resource) ?? 0n)) greater.set(resource, amount);
  return greater;
}

/** An init container that keeps running beside the others. */
export function isSidecar(container: Container): boolean {
  return container.restartPolicy === "Always";
}

/** A limit without a request is also the request, as the API server's defaults have it. */
function requestsOf(resources: ResourceRequirements | undefined): ResourceAmounts {
  return amountsOf({ ...resources?.limits, ...resources?.requests });
}

/** How one container counts; the scorer fills in what a container leaves out. */
type CountContainer = (container: Container) => ResourceAmounts;

/**
 * What the pod needs on a node: the greater of (all containers + sidecars) and each init container together with the
 * sidecars started before it; then the overhead.
 *
 * Example: app 500m, sidecar 100m declared first, then an init step 700m: max(500 + 100, 700 + 100) = 800m.
 */
function totalRequests(spec: PodSpec, count: CountContainer): ResourceAmounts {
  let apps = none;
  for (const container of spec.containers) apps = addAmounts(apps, count(container));
  let sidecars = none;
  let steps = none;
  for (const container of spec.initContainers ?? []) {
    const requests = count(container);
    if (isSidecar(container)) {
      sidecars = addAmounts(sidecars, requests);
      steps = maxAmounts(steps, sidecars);
    } else {
      steps = maxAmounts(steps, addAmounts(sidecars, requests));
    }
  }
  return addAmounts(maxAmounts(addAmounts(apps, sidecars), steps), amountsOf(spec.overhead));
}

/** The pod's effective requests, as the NodeResourcesFit filter counts them. */
export function podRequests(spec: PodSpec): ResourceAmounts {
  return totalRequests(spec, (container) => requestsOf(container.resources));
}

/** For scoring only, a container that asks for nothing counts as 100 millicores and 200 MiB. */
const unasked: ReadonlyMap<string, bigint> = new Map([
  ["cpu", 100n],
  ["memory", 200n * 1024n * 1024n],
]);

/** The pod's requests with the scorer's stand-ins for what containers leave out. */
export function podRequestsForScoring(spec: PodSpec): ResourceAmounts {
  return totalRequests(spec, (container) => {
    const requests = requestsOf(container.resources);
    return new Map([...unasked, ...[...requests].filter(([resource]) => resource === "cpu" || resource === "memory")]);
  });
}
