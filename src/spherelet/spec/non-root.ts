import type { Container } from "../../kubernetes/container.js";
import type { Pod } from "../../kubernetes/pod.js";
import { ConfigError } from "./config-error.js";

/**
 * How to call a container that must not run as root if its image may do so, for its spec names no user: empty where nobody needs to.
 * Throws ConfigError where the spec itself names root. A kubelet's words, in which a pod is `name_namespace(uid)`.
 */
export function nonRootOf({ metadata, spec }: Pod, container: Container): string {
  const own = container.securityContext;
  const user = own?.runAsUser ?? spec.securityContext?.runAsUser;
  if ((own?.runAsNonRoot ?? spec.securityContext?.runAsNonRoot) !== true) return "";
  const where = `(pod: "${metadata.name}_${metadata.namespace ?? ""}(${metadata.uid})", container: ${container.name})`;
  if (user === 0) throw new ConfigError(`container's runAsUser breaks non-root policy ${where}`);
  return user === undefined ? where : "";
}
