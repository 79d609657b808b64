import type { Container } from "./container.js";
import type { PodSpec, Volume } from "./pod.js";
import { volumeSource } from "./pod.js";

/** Volume sources that need nothing of a node. */
const plainVolumes = new Set(["emptyDir", "configMap", "secret", "downwardAPI", "projected"]);
/** Sources of a projected volume that spheresim can make files of. */
const plainProjections = new Set(["configMap", "secret", "downwardAPI"]);
/** The one host path a vSphere Pod may mount, and only to read. */
const READABLE_HOST_PATH = "/var/log/pods";

/**
 * Where a pod asks to be placed beside or apart from other pods, in words the scheduler cannot weigh yet: field paths. Wishes
 * (preferred pod affinity, spread with ScheduleAnyway) do not stop a pod and are not among them.
 *
 * Example: `["spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution"]`.
 */
export function unsupportedPlacement(spec: PodSpec): readonly string[] {
  const terms = (["podAffinity", "podAntiAffinity"] as const)
    .filter((kind) => (spec.affinity?.[kind]?.requiredDuringSchedulingIgnoredDuringExecution ?? []).length > 0)
    .map((kind) => `spec.affinity.${kind}.requiredDuringSchedulingIgnoredDuringExecution`);
  const spreads = [...(spec.topologySpreadConstraints ?? []).entries()]
    .filter(([, constraint]) => constraint.whenUnsatisfiable !== "ScheduleAnyway")
    .map(([at, constraint]) => `spec.topologySpreadConstraints[${at}] with whenUnsatisfiable ${constraint.whenUnsatisfiable}`);
  return [...terms, ...spreads];
}

/**
 * What a pod asks of the host it runs on and no host here gives: field paths, with a word on the value where the field alone is
 * not the reason. It counts for a pod that named its node itself as well, which no scheduler looks at.
 *
 * `hostNetwork`, `hostPID`, `hostIPC`, ports of the host and privileges are not among them: a vSphere Pod is a VM of its own, and runs as if
 * it had not asked.
 */
export function unsupportedOnHost(spec: PodSpec): readonly string[] {
  const fields: string[] = [];
  const ask = (asked: boolean, field: string): void => {
    if (asked) fields.push(field);
  };
  ask(spec.hostUsers === false, "spec.hostUsers false");
  ask(spec.os?.name === "windows", "spec.os.name windows");
  ask((spec.resourceClaims ?? []).length > 0, "spec.resourceClaims");
  ask((spec.runtimeClassName ?? "") !== "", "spec.runtimeClassName");
  const init = [...(spec.initContainers ?? []).entries()].map(([at, container]) => [`spec.initContainers[${at}]`, container] as const);
  const apps = [...spec.containers.entries()].map(([at, container]) => [`spec.containers[${at}]`, container] as const);
  for (const [path, container] of [...init, ...apps]) {
    ask((container.resources?.claims ?? []).length > 0, `${path}.resources.claims`);
    ask((container.volumeDevices ?? []).length > 0, `${path}.volumeDevices`);
  }
  return fields;
}

/** Volumes that cannot be made: field paths. */
export function unsupportedVolumes(spec: PodSpec): readonly string[] {
  const containers = [...(spec.initContainers ?? []), ...spec.containers];
  return (spec.volumes ?? []).flatMap((volume, at) => {
    const source = volumeSource(volume);
    const path = `spec.volumes[${at}].${source}`;
    if (source === "hostPath") return mayMountHostPath(volume, containers) ? [] : [path];
    if (!plainVolumes.has(source)) return [path];
    if (volume.emptyDir?.medium?.startsWith("HugePages") === true) return [`${path}.medium ${volume.emptyDir.medium}`];
    return (volume.projected?.sources ?? []).flatMap((part, number) =>
      Object.keys(part)
        .filter((kind) => !plainProjections.has(kind))
        .map((kind) => `${path}.sources[${number}].${kind}`),
    );
  });
}

/** Why a path of the host is refused, which is not for want of time. */
export const hostPathRule = `a vSphere Pod may mount ${READABLE_HOST_PATH} read-only and no other path`;

/** Whether the volume is the host's log directory and nobody may write to it. */
export function mayMountHostPath(volume: Volume, containers: readonly Container[]): boolean {
  return volume.hostPath?.path.replace(/\/+$/, "") === READABLE_HOST_PATH && containers.flatMap((container) => container.volumeMounts ?? []).every((mount) => mount.name !== volume.name || mount.readOnly === true);
}
