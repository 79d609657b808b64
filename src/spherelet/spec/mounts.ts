import { VolumeMount } from "../../gen/spheresim/crx/v1/agent.js";
import type { Container } from "../../kubernetes/container.js";
import type { PodSpec } from "../../kubernetes/pod.js";
import { ConfigError } from "./config-error.js";
import { expand } from "./expansion.js";

/** Where a container sees the pod's volumes. Throws ConfigError, in a kubelet's words, for a mount that would reach out of its volume or has none. */
export function mountsOf({ volumes = [] }: PodSpec, container: Container, environment: ReadonlyMap<string, string>): VolumeMount[] {
  const known = new Set(volumes.map(({ name }) => name));
  return (container.volumeMounts ?? []).map((mount) => {
    if (!known.has(mount.name)) throw new ConfigError(`cannot find volume ${JSON.stringify(mount.name)} to mount into container ${JSON.stringify(container.name)}`);
    const subPath = mount.subPathExpr === undefined || mount.subPathExpr === "" ? (mount.subPath ?? "") : expandedPath(mount.subPathExpr, environment);
    if (subPath.startsWith("/")) throw new ConfigError(`error SubPath \`${subPath}\` must not be an absolute path`);
    if (subPath.split("/").includes("..")) throw new ConfigError(`unable to provision SubPath \`${subPath}\`: must not contain '..'`);
    // A mount path need not be absolute for an API server; a container's root is where it then begins.
    const mountPath = mount.mountPath.startsWith("/") ? mount.mountPath : `/${mount.mountPath}`;
    return VolumeMount.create({ name: mount.name, mountPath, readOnly: mount.readOnly ?? false, subPath });
  });
}

/** Other than in commands, a name that nobody knows, or that has no value, is an error. */
function expandedPath(expression: string, environment: ReadonlyMap<string, string>): string {
  const missing = new Set<string>();
  const path = expand(expression, (name) => {
    const value = environment.get(name) ?? "";
    if (value === "") missing.add(name);
    return value;
  });
  if (missing.size > 0) throw new ConfigError(`missing value for ${[...missing].sort().join(", ")}`);
  return path;
}
