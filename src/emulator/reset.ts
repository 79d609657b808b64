import type { Clock } from "../base/clock.js";
import { RpcCode, RpcError } from "../base/rpc-error.js";
import type { ApiClient } from "../kubernetes/api-client.js";
import type { KubernetesObject } from "../kubernetes/object-meta.js";
import { nameOf } from "../kubernetes/object-meta.js";
import type { ResourceType } from "../kubernetes/resource-type.js";
import { configMaps, deployments, limitRanges, namespaces, pods, replicaSets, resourceQuotas, secrets, services } from "../kubernetes/resource-type.js";
import { isNotFound } from "../kubernetes/status.js";

const keptNamespaces = new Set(["default", "kube-system", "kube-public", "kube-node-lease"]);
const pollMs = 20;

type Row = { readonly type: ResourceType<KubernetesObject>; readonly keep: (object: KubernetesObject) => boolean };

/** What goes, in order: owners before what they would make again. */
const rows: readonly Row[] = [
  { type: deployments, keep: () => false },
  { type: replicaSets, keep: () => false },
  { type: pods, keep: () => false },
  { type: services, keep: (object) => object.metadata.namespace === "default" && object.metadata.name === "kubernetes" },
  { type: configMaps, keep: (object) => object.metadata.name === "kube-root-ca.crt" || object.metadata.namespace === "kube-system" },
  { type: secrets, keep: (object) => object.metadata.namespace === "kube-system" },
  { type: resourceQuotas, keep: () => false },
  { type: limitRanges, keep: () => false },
  { type: namespaces, keep: (object) => keptNamespaces.has(object.metadata.name) },
];

/** Deletes everything a user made, through the API server, and waits until it is gone; answers how much, by kind. */
export async function reset(client: ApiClient, monotonic: Clock, timeoutMs: number): Promise<Record<string, number>> {
  const deleted: Record<string, number> = {};
  const deadlineMs = monotonic.nowMs() + timeoutMs;
  for (const row of rows) {
    const found = await remaining(client, row);
    if (found.length > 0) deleted[row.type.kind] = found.length;
    for (const object of found) await remove(client, row.type, object);
  }
  for (const row of rows) {
    for (let left = await remaining(client, row); left.length > 0; left = await remaining(client, row)) {
      if (monotonic.nowMs() >= deadlineMs) {
        const first = left[0]?.metadata;
        throw new RpcError(RpcCode.DEADLINE_EXCEEDED, `${left.length} ${row.type.plural} are still there after ${timeoutMs} ms, the first is ${first?.namespace ?? ""}/${first?.name}`);
      }
      await monotonic.sleep(pollMs);
    }
  }
  return deleted;
}

async function remaining(client: ApiClient, row: Row): Promise<KubernetesObject[]> {
  return (await client.list(row.type)).items.filter((object) => !row.keep(object));
}

async function remove(client: ApiClient, type: ResourceType<KubernetesObject>, object: KubernetesObject): Promise<void> {
  try {
    await client.delete(type, nameOf(object), { propagationPolicy: "Background", preconditions: { uid: object.metadata.uid } });
  } catch (error) {
    if (!isNotFound(error)) throw error; // somebody was faster
  }
}
