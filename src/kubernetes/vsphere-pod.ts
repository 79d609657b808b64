import type { Container } from "./container.js";
import type { Pod } from "./pod.js";

/**
 * What a Supervisor writes on a pod that runs as a VM, under the names a real one uses; only `podIp` is ours. Who writes what:
 * `vmUuid`, `vmMoid` and `ephemeralDiskUuid` the scheduler extension (step 10), `imageReferences` the image controller, the
 * rest the network.
 */
export const podVmAnnotations = {
  /** BIOS uuid of the VM: `502d0cfb-3862-102e-e601-df9e588a71f0`. From this moment the VM belongs to the pod. */
  vmUuid: "vmware-system-vm-uuid",
  /** `<moid>:<vCenter instance uuid>`: moids are unique within one vCenter only. */
  vmMoid: "vmware-system-vm-moid",
  /** Uuid of the pod's ephemeral disk, as VMDKs spell it. */
  ephemeralDiskUuid: "vmware-system-ephemeral-disk-uuid",
  /** JSON map of container name to name of its Image object in the pod's namespace. */
  imageReferences: "vmware-system-image-references",
  /** Uuid of the logical port. */
  attachmentId: "attachment_id",
  /** `04:50:56:00:90:0d`. */
  mac: "mac",
  /** `None`. */
  vlan: "vlan",
  /** The pod's address. Ours: in a real Supervisor the network hands it to the Spherelet by a way of its own. */
  podIp: "spheresim.dev/pod-ip",
} as const;

/** Keeps the pod object until its VM is destroyed; set with the VM annotations, removed by the lifecycle controller. */
export const lifecycleFinalizer = "lifecycle-controller/system.vmware.com";

/** BIOS uuid of the pod's VM; undefined before step 10. */
export function vmUuidOf(pod: Pod): string | undefined {
  const uuid = pod.metadata.annotations?.[podVmAnnotations.vmUuid];
  return uuid === "" ? undefined : uuid;
}

/** Container name to Image object; undefined while the image controller has not written it or it cannot be read. */
export function imageReferencesOf(pod: Pod): Readonly<Record<string, string>> | undefined {
  const text = pod.metadata.annotations?.[podVmAnnotations.imageReferences];
  if (text === undefined) return undefined;
  try {
    const map: unknown = JSON.parse(text);
    return typeof map === "object" && map !== null && !Array.isArray(map) ? (map as Record<string, string>) : undefined;
  } catch {
    return undefined;
  }
}

/** Whether the network has realized the pod's port. */
export function isNetworkRealized(pod: Pod): boolean {
  const annotations = pod.metadata.annotations;
  return annotations?.[podVmAnnotations.attachmentId] !== undefined && annotations[podVmAnnotations.mac] !== undefined;
}

/** Whether everything stands on the pod that step 10 waits for. */
export function isReadyForVm(pod: Pod): boolean {
  return imageReferencesOf(pod) !== undefined && isNetworkRealized(pod);
}

/** Every container of the pod, init containers first. */
export function allContainers(pod: Pod): readonly Container[] {
  return [...(pod.spec.initContainers ?? []), ...pod.spec.containers];
}

/** Whether the lifecycle controller still has work to do before the object may go. */
export function hasLifecycleFinalizer(pod: Pod): boolean {
  return pod.metadata.finalizers?.includes(lifecycleFinalizer) ?? false;
}
