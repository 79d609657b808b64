import type { Pod } from "../kubernetes/pod.js";

/** BIOS uuid of the pod's VM: from the moment it stands there the VM belongs to the pod (step 10, commit point). */
export const VM_UUID = "vmware-system-vm-uuid";
/** JSON map from container name to Image object, written by the image controller. */
export const IMAGE_REFERENCES = "vmware-system-image-references";
/** Uuid of the VMDK for what is not kept. */
export const EPHEMERAL_DISK_UUID = "vmware-system-ephemeral-disk-uuid";
/** MAC address of the vNIC, written by the network container plug-in. */
export const MAC = "mac";
/** NSX attachment of the vNIC, by the same. */
export const ATTACHMENT_ID = "attachment_id";
/**
 * Ours: the pod's address, optionally with prefix length (`10.244.1.7`, `10.244.1.7/16`), written beside `mac` by the network stand-in. NSX keeps
 * it in a port of its own; without the annotation the Spherelet takes an address from its node's range.
 */
export const POD_IP = "spheresim.dev/pod-ip";
/** Ours: the gateway that goes with it. Absent: the first address of the prefix. */
export const POD_GATEWAY = "spheresim.dev/pod-gateway";

/** An annotation's text; an empty one is none. */
export function annotationOf(pod: Pod, key: string): string | undefined {
  const text = pod.metadata.annotations?.[key];
  return text === undefined || text === "" ? undefined : text;
}

/** The uuid of the pod's VM in lower case. */
export function vmUuidOf(pod: Pod): string | undefined {
  return annotationOf(pod, VM_UUID)?.toLowerCase();
}

/**
 * Image object by container name; empty when the annotation is absent or no such map.
 *
 * Example: `{"web":"nginx-0a1b...-v1"}`.
 */
export function imageObjectsOf(pod: Pod): ReadonlyMap<string, string> {
  const text = annotationOf(pod, IMAGE_REFERENCES);
  if (text === undefined) return new Map();
  try {
    const references: unknown = JSON.parse(text);
    if (typeof references !== "object" || references === null) return new Map();
    return new Map(Object.entries(references).filter((entry): entry is [string, string] => typeof entry[1] === "string"));
  } catch {
    // Somebody wrote something else there: containers then keep the reference of the spec.
    return new Map();
  }
}
