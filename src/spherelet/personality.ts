import { AttachedDisk, NetworkInterface, Personality } from "../gen/spheresim/hostd/v1/host.js";
import type { Image } from "../kubernetes/cluster-objects.js";
import type { Pod } from "../kubernetes/pod.js";
import type { PodAddress } from "./pod-address.js";
import { annotationOf, ATTACHMENT_ID, EPHEMERAL_DISK_UUID, imageObjectsOf, MAC } from "./pod-annotations.js";

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
        mac: annotationOf(pod, MAC) ?? "",
        ip: address.ip,
        prefixLength: address.prefixLength,
        gateway: address.gateway,
        attachmentId: annotationOf(pod, ATTACHMENT_ID) ?? "",
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
  const uuid = annotationOf(pod, EPHEMERAL_DISK_UUID);
  return uuid === undefined ? [] : [AttachedDisk.create({ uuid, role: "ephemeral" })];
}

/** One disk per image object, in the order of the spec; images of one chain share theirs, so their role is the same. */
function imageDisks(pod: Pod, images: readonly Image[]): AttachedDisk[] {
  const byName = new Map(images.map((image) => [image.metadata.name, image]));
  return [...new Set(imageObjectsOf(pod).values())].map((name) => AttachedDisk.create({ role: byName.get(name)?.status?.imageDisk ?? name, image: name }));
}
