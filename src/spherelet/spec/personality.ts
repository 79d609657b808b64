import { createHash } from "node:crypto";
import { AttachedDisk, NetworkInterface, Personality } from "../../gen/spheresim/hostd/v1/host.js";
import type { Image } from "../../kubernetes/cluster-objects.js";
import type { Pod } from "../../kubernetes/pod.js";
import type { PodAddress } from "../pods/pod-address.js";
import { podVmAnnotations } from "../../kubernetes/vsphere-pod.js";
import { annotationOf, imageObjectsOf } from "../pods/pod-annotations.js";

/** Host names inside are DNS labels; a pod's name may be longer. */
const MAX_HOSTNAME_CHARS = 63;

/** Who the CRX instance of a pod is to be (step 12): the same pod gives the same personality, however often it is asked. */
export function personalityOf(pod: Pod, address: PodAddress, images: readonly Image[]): Personality {
  return Personality.create({
    podUid: pod.metadata.uid,
    namespace: pod.metadata.namespace ?? "",
    name: pod.metadata.name,
    hostname: hostnameOf(pod),
    networkInterfaces: [
      NetworkInterface.create({
        mac: annotationOf(pod, podVmAnnotations.mac)?.toLowerCase() ?? "",
        ip: address.ip,
        prefixLength: address.prefixLength,
        gateway: address.gateway,
        attachmentId: annotationOf(pod, podVmAnnotations.attachmentId) ?? "",
      }),
    ],
    disks: [...ephemeralDisk(pod), ...imageDisks(pod, images)],
  });
}

function hostnameOf(pod: Pod): string {
  const name = pod.spec.hostname === undefined || pod.spec.hostname === "" ? pod.metadata.name : pod.spec.hostname;
  // A cut must not leave a dash or a dot at the end.
  return name.slice(0, MAX_HOSTNAME_CHARS).replace(/[-.]+$/, "");
}

function ephemeralDisk(pod: Pod): AttachedDisk[] {
  const uuid = annotationOf(pod, podVmAnnotations.ephemeralDiskUuid);
  return uuid === undefined ? [] : [AttachedDisk.create({ uuid, role: "ephemeral" })];
}

/** One disk per image object, in the order of the spec; images of one chain share theirs, so its role and uuid are the same. */
function imageDisks(pod: Pod, images: readonly Image[]): AttachedDisk[] {
  const byName = new Map(images.map((image) => [image.metadata.name, image]));
  return [...new Set(imageObjectsOf(pod).values())].map((name) => {
    const role = byName.get(name)?.status?.imageDisk ?? name;
    return AttachedDisk.create({ uuid: diskUuidOf(role), role, image: name });
  });
}

/** The uuid of an image disk in VMDK spelling, always the same for the same disk: `6000C29f-15c9-c1c1-ea28-c90890ee7804`. */
function diskUuidOf(disk: string): string {
  const hex = createHash("sha256").update(disk).digest("hex");
  return `6000C29${hex.slice(0, 1)}-${hex.slice(1, 5)}-${hex.slice(5, 9)}-${hex.slice(9, 13)}-${hex.slice(13, 25)}`;
}
