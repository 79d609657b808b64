import type { Pod } from "../../kubernetes/pod.js";
import { imageReferencesOf } from "../../kubernetes/vsphere-pod.js";

/** An annotation's text; an empty one is none. */
export function annotationOf(pod: Pod, key: string): string | undefined {
  const text = pod.metadata.annotations?.[key];
  return text === undefined || text === "" ? undefined : text;
}

/** Image object by container name; empty where the image controller has written nothing that can be read. */
export function imageObjectsOf(pod: Pod): ReadonlyMap<string, string> {
  return new Map(Object.entries(imageReferencesOf(pod) ?? {}).filter(([, name]) => typeof name === "string" && name !== ""));
}
