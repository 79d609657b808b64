import type { Quantity } from "../base/quantity.js";
import { objectKey, type KubernetesObject } from "../kubernetes/object-meta.js";
import type { Pod } from "../kubernetes/pod.js";
import { type CountedKind, countedNames, usageOf } from "../kubernetes/quota-usage.js";
import { isInScope } from "../kubernetes/quota-scope.js";
import { addQuantities, areSameQuantities, maskQuantities, type Quantities, readQuantities, writeQuantities } from "../kubernetes/resource-list.js";
import type { ResourceQuota } from "../kubernetes/resource-policy.js";
import type { ResourceType } from "../kubernetes/resource-type.js";
import { configMaps, deployments, images, leases, limitRanges, pods, replicaSets, resourceQuotas, secrets, serviceAccounts, services } from "../kubernetes/resource-type.js";
import { isConflict, isNotFound } from "../kubernetes/status.js";
import { WorkQueue } from "../kubernetes/work-queue.js";
import type { Controller, ControllerContext } from "./controller.js";

/** Kinds whose objects quotas count. */
const countedTypes: readonly ResourceType<KubernetesObject>[] = [pods, services, configMaps, secrets, resourceQuotas, limitRanges, serviceAccounts, deployments, replicaSets, leases, images];
/** Of these every deletion is told; the others' are seen by the next full recount. */
const watchedTypes: readonly ResourceType<KubernetesObject>[] = [services, configMaps, secrets, limitRanges, serviceAccounts, deployments, replicaSets];
/** Names that count kinds this cluster does not have, so that none is used. */
const absentKinds = /^(persistentvolumeclaims|replicationcontrollers|requests\.storage|.+\.storageclass\.storage\.k8s\.io\/.+)$/;

const EVERYTHING = "";
/** All quotas are recounted so often, whatever was told (kube-controller-manager's `--resource-quota-sync-period`). */
const RESYNC_MS = 300_000;
/** A new quota is counted once more: what was under way while nothing was enforced yet is charged by nobody. */
const SETTLE_MS = 1_000;
/** What ends together is counted together. */
const GATHER_MS = 20;
/** A recount waits so many times as long as the last one took, so that big namespaces do not keep the API server busy. */
const REST_FACTOR = 4;

function countedKind({ group, plural }: ResourceType<KubernetesObject>): CountedKind {
  return { group, resource: plural };
}

/**
 * Keeps the status of quotas true. Admission charges what is created; this controller gives back what ended or was deleted, and takes
 * over a changed spec.
 *
 * A recount never forgets a charge: the quota is read first, then the objects in their newest state, and the status is written only if the
 * quota is still at the revision that was read. Whatever was charged before that revision is stored together with its object, so it is
 * counted; whatever is charged later moves the revision, so the recount is refused and begins again.
 */
export class ResourceQuotaController implements Controller {
  readonly #context: ControllerContext;
  readonly #queue: WorkQueue;
  /** How long the last recount took. */
  #countMs = 0;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#queue = new WorkQueue({ clock: context.monotonic, log: context.log, name: "resource-quota", workers: 5, work: (key) => (key === EVERYTHING ? this.#recountAll() : this.#sync(key)) });
    const { informers } = context;
    informers.of(resourceQuotas).subscribe({
      added: (quota) => this.#queue.add(objectKey(quota)),
      updated: (quota, previous) => {
        // Status alone changes by admission and by this controller.
        if (!isSame(quota.spec?.hard, previous.spec?.hard) || !isSame(quota.spec?.hard, quota.status?.hard)) this.#queue.add(objectKey(quota));
      },
      deleted: (quota) => this.#gather(quota),
    });
    informers.of(pods).subscribe({
      updated: (pod, previous) => {
        if (hasEnded(pod) && !hasEnded(previous)) this.#gather(pod);
      },
      deleted: (pod) => this.#gather(pod),
    });
    for (const type of watchedTypes) informers.of(type).subscribe({ deleted: (object) => this.#gather(object) });
    // A service may change its ports and type.
    informers.of(services).subscribe({ updated: (service) => this.#gather(service) });
  }

  start(): void {
    this.#queue.add(EVERYTHING);
    this.#queue.start();
  }

  close(): Promise<void> {
    return this.#queue.close();
  }

  /** All quotas of the object's namespace are counted again, in a moment. */
  #gather({ metadata }: KubernetesObject): void {
    for (const quota of this.#context.informers.of(resourceQuotas).store.list()) {
      if (quota.metadata.namespace === metadata.namespace) this.#queue.addAfter(objectKey(quota), Math.max(GATHER_MS, REST_FACTOR * this.#countMs));
    }
  }

  #recountAll(): Promise<void> {
    this.#queue.addAfter(EVERYTHING, RESYNC_MS);
    for (const quota of this.#context.informers.of(resourceQuotas).store.list()) this.#queue.add(objectKey(quota));
    return Promise.resolve();
  }

  async #sync(key: string): Promise<void> {
    const { client, informers } = this.#context;
    const known = informers.of(resourceQuotas).store.get(key);
    if (known === undefined) return;
    const { namespace = "", name } = known.metadata;
    const quota = await client.get(resourceQuotas, { namespace, name }).catch((error: unknown) => {
      if (isNotFound(error)) return undefined;
      throw error;
    });
    if (quota === undefined) return;
    const hard = readQuantities(quota.spec?.hard);
    const startMs = this.#context.monotonic.nowMs();
    const used = await this.#count(quota, hard);
    this.#countMs = this.#context.monotonic.nowMs() - startMs;
    if (isSame(quota.spec?.hard, quota.status?.hard) && areSameQuantities(used, readQuantities(quota.status?.used))) return;
    try {
      await client.update(resourceQuotas, { ...quota, status: { hard: writeQuantities(hard), used: writeQuantities(used) } }, { subresource: "status", fieldManager: "kube-controller-manager" });
    } catch (error) {
      if (isNotFound(error)) return;
      if (!isConflict(error)) throw error;
      // Somebody was charged meanwhile.
      this.#queue.addAfter(key, GATHER_MS);
      return;
    }
    if (quota.status?.hard === undefined) this.#queue.addAfter(key, SETTLE_MS);
  }

  /** What the objects of the namespace use of each name; names nobody counts are left out. */
  async #count(quota: ResourceQuota, hard: Quantities): Promise<Map<string, Quantity>> {
    const { client, clock } = this.#context;
    const { namespace = "" } = quota.metadata;
    let used: Map<string, Quantity> = maskQuantities(readQuantities(Object.fromEntries([...hard.keys()].filter((name) => absentKinds.test(name)).map((name) => [name, "0"]))), hard.keys());
    for (const type of countedTypes) {
      const names = countedNames(countedKind(type), hard.keys());
      if (names.length === 0) continue;
      used = addQuantities(used, readQuantities(Object.fromEntries(names.map((name) => [name, "0"]))));
      for (const object of (await client.list(type, { namespace })).items) {
        const pod = type === pods ? (object as Pod).spec : undefined;
        if (isInScope(quota.spec, pod)) used = addQuantities(used, maskQuantities(usageOf(countedKind(type), object, clock.nowMs()), names));
      }
    }
    return used;
  }
}

function isSame(a: Readonly<Record<string, string>> | undefined, b: Readonly<Record<string, string>> | undefined): boolean {
  return areSameQuantities(readQuantities(a), readQuantities(b));
}

function hasEnded({ status }: Pod): boolean {
  return status?.phase === "Succeeded" || status?.phase === "Failed";
}
