import type { KubernetesObject } from "../../kubernetes/object-meta.js";

/** Whether `a` is a later state of the same object than `b`. Versions that are no numbers cannot be compared: what comes is then taken as news. */
export function isNewer(a: KubernetesObject, b: KubernetesObject): boolean {
  const versionA = a.metadata.resourceVersion;
  const versionB = b.metadata.resourceVersion;
  if (!/^\d+$/.test(versionA) || !/^\d+$/.test(versionB)) return versionA !== versionB;
  return BigInt(versionA) > BigInt(versionB);
}

/** The store's revision of an object; undefined where the version is no number. */
export function revisionOf(object: KubernetesObject): bigint | undefined {
  const version = object.metadata.resourceVersion;
  return /^\d+$/.test(version) ? BigInt(version) : undefined;
}
