import type { StatusCause } from "../errors.js";
import { invalidValue, oneOf, required } from "./field-path.js";

/** What an environment variable can take of its pod, in the order of a real answer. */
const IN_ENVIRONMENT = ["metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName", "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs"];
const IN_VOLUME = ["metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid"];
/** Fields that the downward API knows, though not everywhere. */
const KNOWN = new Set([...IN_ENVIRONMENT, ...IN_VOLUME, "spec.restartPolicy", "spec.schedulerName", "status.phase"]);

/** The `fieldPath` of a `v1 ObjectFieldSelector`, in a variable or in a file of a volume. */
export function validateFieldPath(path: string | undefined, field: string, place: "environment" | "volume"): StatusCause[] {
  if (!path) return [required(field)];
  if (/^metadata\.(labels|annotations)\['.+'\]$/.test(path)) return [];
  if (!KNOWN.has(path)) return [invalidValue(field, path, `error converting fieldPath: field label not supported: ${path}`)];
  return oneOf(field, path, place === "environment" ? IN_ENVIRONMENT : IN_VOLUME);
}
