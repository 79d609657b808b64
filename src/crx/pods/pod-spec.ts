import type { ContainerSpec, StartPodRequest } from "../../gen/spheresim/crx/v1/agent.js";
import { GuestAnnotationError, guestFateOf } from "../../kubernetes/guest-annotations.js";
import { invalidArgument } from "../agent-fault.js";

/** Refuses a pod that the agent could not set up; what is refused is named. */
export function requireValidPod(request: StartPodRequest): void {
  if (request.podUid === "") throw invalidArgument("pod_uid", "must not be empty");
  if (request.containers.length === 0) throw invalidArgument("containers", "at least one container is required");
  const volumes = new Set<string>();
  request.volumes.forEach((volume, index) => {
    const field = `volumes[${index}]`;
    if (volume.name === "") throw invalidArgument(`${field}.name`, "must not be empty");
    if (volumes.has(volume.name)) throw invalidArgument(`${field}.name`, `volume "${volume.name}" stands twice`);
    if (volume.source === undefined) throw invalidArgument(`${field}.source`, `the kind of volume "${volume.name}" is not supported by the Spherelet agent; it mounts empty_dir and files`);
    volumes.add(volume.name);
  });
  const names = new Set<string>();
  const check = (list: readonly ContainerSpec[], path: string): void =>
    list.forEach((container, index) => {
      const field = `${path}[${index}]`;
      if (container.name === "") throw invalidArgument(`${field}.name`, "must not be empty");
      if (names.has(container.name)) throw invalidArgument(`${field}.name`, `container "${container.name}" stands twice`);
      names.add(container.name);
      if (container.image === "") throw invalidArgument(`${field}.image`, "must not be empty");
      if (container.limitCpuMilli < 0) throw invalidArgument(`${field}.limit_cpu_milli`, "must not be negative");
      if (container.limitMemoryBytes < 0n) throw invalidArgument(`${field}.limit_memory_bytes`, "must not be negative");
      requireProbes(container, field);
      container.mounts.forEach((mount, at) => {
        if (!volumes.has(mount.name)) throw invalidArgument(`${field}.mounts[${at}].name`, `the pod has no volume "${mount.name}"`);
        if (!mount.mountPath.startsWith("/")) throw invalidArgument(`${field}.mounts[${at}].mount_path`, "must be an absolute path");
      });
    });
  check(request.initContainers, "init_containers");
  check(request.containers, "containers");
  request.containers.forEach(({ sidecar }, index) => {
    if (sidecar) throw invalidArgument(`containers[${index}].sidecar`, "must not be set on a container that is no init container");
  });
  if ((request.terminationGracePeriod?.seconds ?? 0n) < 0n) throw invalidArgument("termination_grace_period", "must not be negative");
  requireGuestAnnotations(request);
  for (const [name, count] of Object.entries(request.restartCounts)) {
    if (count < 0) throw invalidArgument(`restart_counts.${name}`, "must not be negative");
  }
}

function requireGuestAnnotations({ guestAnnotations }: StartPodRequest): void {
  try {
    guestFateOf(guestAnnotations, 1);
  } catch (error) {
    if (error instanceof GuestAnnotationError) throw invalidArgument(`guest_annotations.${error.annotation}`, error.message);
    throw error;
  }
}

const counts = ["initialDelaySeconds", "periodSeconds", "timeoutSeconds", "successThreshold", "failureThreshold"] as const;

/** As the API server has it: an init container that ends has none, and numbers are not negative. */
function requireProbes(container: ContainerSpec, field: string): void {
  for (const name of ["startupProbe", "livenessProbe", "readinessProbe"] as const) {
    const probe = container[name];
    if (probe === undefined) continue;
    const path = `${field}.${snake(name)}`;
    if (probe.action === undefined) throw invalidArgument(`${path}.action`, "must say what is tried");
    for (const count of counts) if (probe[count] < 0) throw invalidArgument(`${path}.${snake(count)}`, "must not be negative");
    if ((probe.terminationGracePeriodSeconds ?? 1n) < 0n) throw invalidArgument(`${path}.termination_grace_period_seconds`, "must not be negative");
  }
}

function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
