import type { Container } from "../../kubernetes/container.js";
import type { Pod } from "../../kubernetes/pod.js";
import { ConfigError } from "./config-error.js";

/**
 * Whether a container must not run as root and leaves it to its image to name the user. Throws ConfigError where the spec itself names root: a
 * kubelet's words, in which a pod is `name_namespace(uid)`.
 */
export function runsAsNonRoot({ metadata, spec }: Pod, container: Container): boolean {
  const own = container.securityContext;
  const user = own?.runAsUser ?? spec.securityContext?.runAsUser;
  if ((own?.runAsNonRoot ?? spec.securityContext?.runAsNonRoot) !== true) return false;
  if (user !== 0) return user === undefined;
  throw new ConfigError(`container's runAsUser breaks non-root policy (pod: "${metadata.name}_${metadata.namespace ?? ""}(${metadata.uid})", container: ${container.name})`);
}
