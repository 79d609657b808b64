import type { AppliedObject } from "../gen/spheresim/emulator/v1/emulator.js";
import type { Draft, KubernetesObject } from "../kubernetes/object-meta.js";
import type { RestClient } from "../kubernetes/rest-client.js";
import type { ResourceType } from "../kubernetes/resource-type.js";
import { pathOf } from "../kubernetes/resource-type.js";
import { ApiError } from "../kubernetes/status.js";
import type { KindTable } from "./kind-table.js";
import type { ManifestObject } from "./manifest.js";

const fieldManager = "spheresim-place";

/** An object as the API server holds it after it was applied. */
export interface Applied {
  readonly type: ResourceType<KubernetesObject>;
  readonly object: KubernetesObject;
  readonly change: "created" | "configured" | "unchanged";
}

/** Creates an object, or merges it into the one of that name. The API server validates strictly; its refusals come through as they are. */
export async function applyObject(client: RestClient, kinds: KindTable, manifest: ManifestObject, defaultNamespace: string): Promise<Applied> {
  const type = await kinds.find(manifest.apiVersion, manifest.kind);
  const namespace = type.namespaced ? (manifest.metadata.namespace ?? defaultNamespace) : undefined;
  const draft = { ...manifest, metadata: { ...manifest.metadata, ...(namespace === undefined ? {} : { namespace }) } };
  const query = `?fieldManager=${fieldManager}&fieldValidation=Strict`;
  const where = namespace === undefined ? {} : { namespace };
  try {
    const object = (await client.raw("POST", pathOf(type, where) + query, draft)) as KubernetesObject;
    return { type, object, change: "created" };
  } catch (error) {
    const name = manifest.metadata.name;
    if (!(error instanceof ApiError) || error.reason !== "AlreadyExists" || name === undefined) throw error;
    const before = await client.get(type, { ...where, name });
    const object = await client.patch(type, { ...where, name }, { type: "merge", body: draft satisfies Draft<KubernetesObject> }, { fieldManager });
    return { type, object, change: object.metadata.resourceVersion === before.metadata.resourceVersion ? "unchanged" : "configured" };
  }
}

/** The contract's form. */
export function appliedMessage(applied: Applied): AppliedObject {
  const { metadata } = applied.object;
  return { kind: applied.type.kind, namespace: metadata.namespace ?? "", name: metadata.name, uid: metadata.uid, change: applied.change };
}
