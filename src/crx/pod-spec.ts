import type { ContainerSpec, StartPodRequest } from "../gen/spheresim/crx/v1/agent.js";
import { invalidArgument } from "./agent-fault.js";

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
      container.mounts.forEach((mount, at) => {
        if (!volumes.has(mount.name)) throw invalidArgument(`${field}.mounts[${at}].name`, `the pod has no volume "${mount.name}"`);
        if (!mount.mountPath.startsWith("/")) throw invalidArgument(`${field}.mounts[${at}].mount_path`, "must be an absolute path");
      });
    });
  check(request.initContainers, "init_containers");
  check(request.containers, "containers");
  for (const [name, count] of Object.entries(request.restartCounts)) {
    if (count < 0) throw invalidArgument(`restart_counts.${name}`, "must not be negative");
  }
}
