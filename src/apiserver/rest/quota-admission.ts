import { Quantity } from "../../base/quantity.js";
import { countedNames, isCounted, unstated, usageOf } from "../../kubernetes/quota-usage.js";
import { isInScope } from "../../kubernetes/quota-scope.js";
import { addQuantities, maskQuantities, type Quantities, readQuantities, writeQuantities } from "../../kubernetes/resource-list.js";
import type { ResourceQuota } from "../../kubernetes/resource-policy.js";
import type { KubernetesObject } from "../../kubernetes/object-meta.js";
import type { Pod } from "../../kubernetes/pod.js";
import { formatTime } from "../../kubernetes/timestamp.js";
import { forbidden, internalError } from "../errors.js";
import type { Kind } from "../kinds/kind.js";
import { resourceQuotaKind } from "../kinds/resource-quota.js";
import { afterUpdate } from "../managed-fields.js";
import type { ApiObject } from "../object.js";
import { type Growth, type Registry, SWAP_LIMIT } from "../registry.js";
import type { Stored } from "../storage/stored.js";

/** `limits.cpu=2,pods=1`: amounts as the original's refusals have them. */
function shown(list: Quantities): string {
  return [...list].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, amount]) => `${name}=${amount.toString()}`).join(",");
}

/** What is to be charged: a new object, or what an update of one grows by. */
interface Charge {
  readonly kind: Kind;
  readonly object: ApiObject;
  readonly old?: ApiObject;
  readonly nowMs: number;
}

/** What the object uses more than it did, nothing where it uses less. */
function growth({ kind, object, old, nowMs }: Charge, names: readonly string[]): Quantities {
  const usage = (of: ApiObject): Quantities => maskQuantities(usageOf(kind, of as unknown as KubernetesObject, nowMs), names);
  const before = old === undefined ? undefined : usage(old);
  return new Map([...usage(object)].map(([name, amount]) => [name, amount.sub(before?.get(name) ?? Quantity.zero)] as const).filter(([, amount]) => amount.compare(Quantity.zero) > 0));
}

/**
 * The quota with the object charged to it; undefined when it does not count it. Throws 403 when the object says too little for this
 * quota, or asks for more than is left.
 */
function charged(quota: ApiObject, charge: Charge): ApiObject | undefined {
  const { kind, object } = charge;
  const { spec, status } = quota as unknown as ResourceQuota;
  const isPod = kind.group === "" && kind.resource === "pods";
  const pod = isPod ? (object as unknown as Pod) : undefined;
  const hard = readQuantities(status?.hard);
  const names = countedNames(kind, hard.keys());
  if (names.length === 0 || !isInScope(spec, pod?.spec)) return undefined;
  const { name } = quota.metadata;
  const refuse = (why: string): never => {
    throw forbidden(kind, object.metadata.name, why);
  };
  const missing = pod && unstated(pod, names);
  if (missing !== undefined) refuse(`failed quota: ${name}: must specify ${missing}`);
  const used = readQuantities(status?.used);
  if (names.some((each) => !used.has(each))) refuse(`status unknown for quota: ${name}, resources: ${[...names].sort().join(",")}`);
  const requested = growth(charge, names);
  if (requested.size === 0) return undefined;
  const after = addQuantities(used, requested);
  const exceeded = [...requested.keys()].filter((each) => after.get(each)!.compare(hard.get(each)!) > 0);
  if (exceeded.length > 0) {
    refuse(`exceeded quota: ${name}, requested: ${shown(maskQuantities(requested, exceeded))}, used: ${shown(maskQuantities(used, exceeded))}, limited: ${shown(maskQuantities(hard, exceeded))}`);
  }
  const to: ApiObject = { ...quota, metadata: { ...quota.metadata }, status: { ...quota["status"], used: writeQuantities(after) } };
  to.metadata.managedFields = afterUpdate(to, quota, resourceQuotaKind.struct, { manager: "kube-apiserver", operation: "Update", apiVersion: "v1", time: formatTime(charge.nowMs), subresource: "status" });
  return to;
}

/** Every quota of the namespace, as this server knows them. */
function quotasOf(registry: Registry, namespace: string): Stored[] {
  return [...registry.storedIn(resourceQuotaKind, namespace)].sort((left, right) => (left.key < right.key ? -1 : 1));
}

/** As they are in the store; those that are gone count no more. */
async function freshQuotas(registry: Registry, known: readonly Stored[]): Promise<Stored[]> {
  const fresh = await Promise.all(known.map(({ object: { metadata } }) => registry.fresh(resourceQuotaKind, metadata.namespace ?? "", metadata.name)));
  return fresh.filter((quota) => quota !== undefined);
}

/** The quotas as they become; what is refused by the copies here is decided again on the store's word. */
async function charges(registry: Registry, charge: Charge): Promise<Growth[]> {
  const { namespace = "" } = charge.object.metadata;
  const decide = (quotas: readonly Stored[]): Growth[] =>
    quotas.flatMap((current) => {
      const to = charged(current.object, charge);
      return to === undefined ? [] : [{ current, to }];
    });
  const known = quotasOf(registry, namespace);
  try {
    return decide(known);
  } catch {
    return decide(await freshQuotas(registry, known));
  }
}

function isUnderQuota(registry: Registry, kind: Kind, { metadata: { namespace = "" } }: ApiObject): boolean {
  return namespace !== "" && isCounted(kind) && quotasOf(registry, namespace).length > 0;
}

/** Refuses what the quotas of a namespace have no room for, and charges nothing (dry run). */
export async function checkQuotas(registry: Registry, kind: Kind, object: ApiObject): Promise<void> {
  if (isUnderQuota(registry, kind, object)) await charges(registry, { kind, object, nowMs: registry.emulated.nowMs() });
}

/** What an update must change along with the object: services alone may come to use more. Throws 403 when there is no room. */
export async function chargesOfUpdate(registry: Registry, kind: Kind, object: ApiObject, old: ApiObject): Promise<readonly Growth[]> {
  if (kind.group !== "" || kind.resource !== "services" || !isUnderQuota(registry, kind, object)) return [];
  return charges(registry, { kind, object, old, nowMs: registry.emulated.nowMs() });
}

/**
 * Stores a new object and charges it to the quotas of its namespace in one Txn; undefined when the name is taken.
 *
 * The original writes the quota first and the object afterwards, so that a crash between the two leaves a charge for nothing, and its
 * controller can recount before the object is there. Here `used` is never less than what is stored: nobody overdraws a quota.
 */
export async function insertCharged(registry: Registry, kind: Kind, object: ApiObject): Promise<Stored | undefined> {
  if (!isUnderQuota(registry, kind, object)) return registry.insert(kind, object);
  const { namespace = "" } = object.metadata;
  // One at a time in a namespace: they would only push each other off the quota.
  return registry.inTurn(`${resourceQuotaKind.prefix}${namespace}/`, async () => {
    for (let round = 0; round < SWAP_LIMIT; round++) {
      const outcome = await registry.insertAlong(kind, object, await charges(registry, { kind, object, nowMs: registry.emulated.nowMs() }));
      if (outcome !== "moved") return outcome === "taken" ? undefined : outcome;
    }
    throw internalError(`quotas of ${namespace} changed ${SWAP_LIMIT} times while one object was charged to them`);
  });
}
