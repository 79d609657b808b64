import { isDeepStrictEqual } from "node:util";
import type { AppliedObject } from "../gen/spheresim/emulator/v1/emulator.js";
import type { Draft, KubernetesObject } from "../kubernetes/object-meta.js";
import type { RestClient } from "../kubernetes/rest-client.js";
import type { ResourceType } from "../kubernetes/resource-type.js";
import { pathOf } from "../kubernetes/resource-type.js";
import { ApiError } from "../kubernetes/status.js";
import type { ManifestObject } from "./manifest.js";

const fieldManager = "spheresim-place";

/** An object as the API server holds it after it was applied. */
export interface Applied {
  readonly type: ResourceType<KubernetesObject>;
  readonly object: KubernetesObject;
  readonly change: "created" | "configured" | "unchanged";
  /** Whether pods that it had made before are replaced by others: its template is another one now. */
  readonly replacesPods: boolean;
}

/** Creates an object, or merges it into the one of that name. The API server validates strictly; its refusals come through as they are. */
export async function applyObject(client: RestClient, type: ResourceType<KubernetesObject>, manifest: ManifestObject, defaultNamespace: string): Promise<Applied> {
  const namespace = type.namespaced ? (manifest.metadata.namespace ?? defaultNamespace) : undefined;
  const draft = { ...manifest, metadata: { ...manifest.metadata, ...(namespace === undefined ? {} : { namespace }) } };
  const query = `?fieldManager=${fieldManager}&fieldValidation=Strict`;
  const where = namespace === undefined ? {} : { namespace };
  try {
    const object = (await client.raw("POST", pathOf(type, where) + query, draft)) as KubernetesObject;
    return { type, object, change: "created", replacesPods: false };
  } catch (error) {
    const name = manifest.metadata.name;
    if (!(error instanceof ApiError) || error.reason !== "AlreadyExists" || name === undefined) throw error;
    const before = await client.get(type, { ...where, name });
    const object = await merged(client, type, { ...where, name }, draft);
    const change = object.metadata.resourceVersion === before.metadata.resourceVersion ? "unchanged" : "configured";
    return { type, object, change, replacesPods: type.kind === "Deployment" && !isDeepStrictEqual(templateOf(before), templateOf(object)) };
  }
}

/** A strategic merge finds list elements by their names, so that what the server has filled in stays; kinds without Go types have none. */
async function merged(client: RestClient, type: ResourceType<KubernetesObject>, name: { readonly namespace?: string; readonly name: string }, draft: Draft<KubernetesObject>): Promise<KubernetesObject> {
  try {
    return await client.patch(type, name, { type: "strategic", body: draft }, { fieldManager });
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 415) throw error;
    return client.patch(type, name, { type: "merge", body: draft }, { fieldManager });
  }
}

function templateOf(object: KubernetesObject): unknown {
  return (object as { readonly spec?: { readonly template?: unknown } }).spec?.template;
}

/** The contract's form. */
export function appliedMessage(applied: Applied): AppliedObject {
  const { metadata } = applied.object;
  return { kind: applied.type.kind, namespace: metadata.namespace ?? "", name: metadata.name, uid: metadata.uid, change: applied.change };
}
