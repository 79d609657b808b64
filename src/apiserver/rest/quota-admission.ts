import { countedNames, isCounted, unstated, usageOf } from "../../kubernetes/quota-usage.js";
import { isInScope } from "../../kubernetes/quota-scope.js";
import { addQuantities, areSameQuantities, maskQuantities, type Quantities, readQuantities, writeQuantities } from "../../kubernetes/resource-list.js";
import type { ResourceQuota } from "../../kubernetes/resource-policy.js";
import type { KubernetesObject } from "../../kubernetes/object-meta.js";
import type { Pod } from "../../kubernetes/pod.js";
import { forbidden, internalError } from "../errors.js";
import type { Kind } from "../kinds/kind.js";
import { resourceQuotaKind } from "../kinds/resource-quota.js";
import type { ApiObject } from "../object.js";
import { type Registry, SWAP_LIMIT } from "../registry.js";
import type { Stored } from "../storage/stored.js";

/** `limits.cpu=2,pods=1`: amounts as the original's refusals have them. */
function shown(list: Quantities): string {
  return [...list].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, amount]) => `${name}=${amount}`).join(",");
}

/**
 * The quota with the object charged to it; undefined when it does not count it. Throws 403 when the object says too little for this
 * quota, or asks for more than is left.
 */
function charged(quota: ApiObject, kind: Kind, object: ApiObject, nowMs: number): ApiObject | undefined {
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
  const requested = new Map([...maskQuantities(usageOf(kind, object as unknown as KubernetesObject, nowMs), names)].filter(([, amount]) => !amount.isZero));
  if (requested.size === 0) return undefined;
  const after = addQuantities(used, requested);
  const exceeded = [...requested.keys()].filter((each) => after.get(each)!.compare(hard.get(each)!) > 0);
  if (exceeded.length > 0) {
    refuse(`exceeded quota: ${name}, requested: ${shown(maskQuantities(requested, exceeded))}, used: ${shown(maskQuantities(used, exceeded))}, limited: ${shown(maskQuantities(hard, exceeded))}`);
  }
  if (areSameQuantities(after, used)) return undefined;
  return { ...quota, status: { ...quota["status"], used: writeQuantities(after) } };
}

/** Every quota of the namespace, as this server knows them. */
function quotasOf(registry: Registry, namespace: string): Stored[] {
  return [...registry.storedIn(resourceQuotaKind, namespace)].sort((left, right) => (left.key < right.key ? -1 : 1));
}

/** As they are in the store; those that are gone count no more. */
async function freshQuotas(registry: Registry, namespace: string): Promise<Stored[]> {
  const known = quotasOf(registry, namespace);
  const fresh = await Promise.all(known.map(({ object }) => registry.fresh(resourceQuotaKind, namespace, object.metadata.name)));
  return fresh.filter((quota) => quota !== undefined);
}

function charges(quotas: readonly Stored[], kind: Kind, object: ApiObject, nowMs: number): { readonly current: Stored; readonly to: ApiObject }[] {
  return quotas.flatMap((current) => {
    const to = charged(current.object, kind, object, nowMs);
    return to === undefined ? [] : [{ current, to }];
  });
}

/** Refuses what the quotas of a namespace have no room for, and charges nothing (dry run). */
export async function checkQuotas(registry: Registry, kind: Kind, object: ApiObject): Promise<void> {
  const { namespace = "" } = object.metadata;
  if (namespace === "" || !isCounted(kind)) return;
  charges(await freshQuotas(registry, namespace), kind, object, registry.emulated.nowMs());
}

/**
 * Stores a new object and charges it to the quotas of its namespace in one Txn; undefined when the name is taken.
 *
 * The original writes the quota first and the object afterwards, so that a crash between the two leaves a charge for nothing, and its
 * controller can recount before the object is there. Here `used` is never less than what is stored: nobody overdraws a quota.
 */
export async function insertCharged(registry: Registry, kind: Kind, object: ApiObject): Promise<Stored | undefined> {
  const { namespace = "" } = object.metadata;
  if (namespace === "" || !isCounted(kind) || quotasOf(registry, namespace).length === 0) return registry.insert(kind, object);
  // One at a time in a namespace: they would only push each other off the quota.
  return registry.inTurn(`${resourceQuotaKind.prefix}${namespace}/`, async () => {
    let quotas = quotasOf(registry, namespace);
    let isFresh = false;
    for (let round = 0; round < SWAP_LIMIT; round++) {
      let along;
      try {
        along = charges(quotas, kind, object, registry.emulated.nowMs());
      } catch (error) {
        // What is refused on a copy is decided again on the store's word.
        if (isFresh) throw error;
        quotas = await freshQuotas(registry, namespace);
        isFresh = true;
        continue;
      }
      const outcome = await registry.insertAlong(kind, object, along);
      if (outcome !== "moved") return outcome === "taken" ? undefined : outcome;
      quotas = quotasOf(registry, namespace);
      isFresh = false;
    }
    throw internalError(`quotas of ${namespace} changed ${SWAP_LIMIT} times while one object was charged to them`);
  });
}
