import type { Container } from "../../../kubernetes/container.js";
import type { Pod, Volume } from "../../../kubernetes/pod.js";
import { volumeSource } from "../../../kubernetes/pod.js";
import type { FilterPlugin } from "../plugin.js";

/** Volume sources that need nothing of a node. */
const plainVolumes = new Set(["emptyDir", "configMap", "secret", "downwardAPI", "projected"]);

/** The one host path a vSphere Pod may mount, and only to read. */
const READABLE_HOST_PATH = "/var/log/pods";

/**
 * What a pod asks for that this scheduler cannot honour yet. Such a pod waits with a message that names the field; a
 * constraint is never dropped in silence. Preferences it cannot weigh (preferred pod affinity, ScheduleAnyway spread) do
 * not stop a pod: they are wishes, and are listed here so that nobody believes they count.
 */
export const unsupportedConstraints: FilterPlugin = {
  name: "UnsupportedConstraints",
  preFilter: (pod) => unsupportedFields(pod),
  filter: () => [],
  // Nothing in the cluster makes the field supported; a change of the pod itself brings it back to the queue anyway.
  helps: () => false,
};

function unsupportedFields({ spec }: Pod): readonly string[] {
  const fields: string[] = [];
  const ask = (asked: boolean, field: string): void => {
    if (asked) fields.push(`${field} is not supported by this scheduler yet`);
  };
  for (const kind of ["podAffinity", "podAntiAffinity"] as const) {
    ask((spec.affinity?.[kind]?.requiredDuringSchedulingIgnoredDuringExecution ?? []).length > 0, `spec.affinity.${kind}.requiredDuringSchedulingIgnoredDuringExecution`);
  }
  for (const [at, constraint] of (spec.topologySpreadConstraints ?? []).entries()) {
    ask(constraint.whenUnsatisfiable !== "ScheduleAnyway", `spec.topologySpreadConstraints[${at}] with whenUnsatisfiable ${constraint.whenUnsatisfiable}`);
  }
  ask((spec.resourceClaims ?? []).length > 0, "spec.resourceClaims");
  ask(spec.runtimeClassName !== undefined && spec.runtimeClassName !== "", "spec.runtimeClassName");
  const containers: readonly [string, Container][] = [...(spec.initContainers ?? []).entries()]
    .map(([at, container]): [string, Container] => [`spec.initContainers[${at}]`, container])
    .concat([...spec.containers.entries()].map(([at, container]): [string, Container] => [`spec.containers[${at}]`, container]));
  for (const [path, container] of containers) ask((container.resources?.claims ?? []).length > 0, `${path}.resources.claims`);
  for (const [at, volume] of (spec.volumes ?? []).entries()) {
    const source = volumeSource(volume);
    if (source === "hostPath") {
      if (!mayMountHostPath(volume, containers.map(([, container]) => container))) fields.push(`spec.volumes[${at}].hostPath: a vSphere Pod may mount ${READABLE_HOST_PATH} read-only and no other path`);
    } else ask(!plainVolumes.has(source), `spec.volumes[${at}].${source}`);
  }
  return fields;
}

function mayMountHostPath(volume: Volume, containers: readonly Container[]): boolean {
  return volume.hostPath?.path.replace(/\/+$/, "") === READABLE_HOST_PATH && containers.flatMap((container) => container.volumeMounts ?? []).every((mount) => mount.name !== volume.name || mount.readOnly === true);
}
