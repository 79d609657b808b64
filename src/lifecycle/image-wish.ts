import type { Image } from "../kubernetes/cluster-objects.js";
import { annotationKey } from "../kubernetes/container-annotations.js";
import type { Container } from "../kubernetes/container.js";
import { type AskedImageError, askedImageError, failureAnnotations } from "../kubernetes/failure-annotations.js";
import type { Draft } from "../kubernetes/object-meta.js";
import type { Pod } from "../kubernetes/pod.js";
import { imageObjectName, parseImageReference } from "./image-reference.js";

const ERROR = annotationKey(failureAnnotations.imageError);
const TIMES = annotationKey(failureAnnotations.imageErrorTimes);

/**
 * The Image object that a container of a pod runs from; undefined where its image is no reference. Everybody in a namespace who names an
 * image shares its object; a container that asks for a failure has one of its own, which goes with the pod, so that nobody else fails.
 */
export function imageWanted(pod: Pod, container: Container): Draft<Image> | undefined {
  const reference = parseImageReference(container.image ?? "");
  if (reference === undefined) return undefined;
  const { namespace, name, uid } = pod.metadata;
  const asked = askedImageError(pod, container.name);
  const spec = {
    reference: container.image!,
    ...(pod.spec.imagePullSecrets === undefined ? {} : { pullSecrets: pod.spec.imagePullSecrets.map((secret) => secret.name) }),
  };
  const inNamespace = namespace === undefined ? {} : { namespace };
  if (asked === undefined) return { metadata: { name: imageObjectName(reference), ...inNamespace }, spec };
  return {
    metadata: {
      name: imageObjectName(reference, `${uid}/${container.name}`),
      ...inNamespace,
      annotations: annotationsOf(asked),
      ownerReferences: [{ apiVersion: "v1", kind: "Pod", name, uid }],
    },
    spec,
  };
}

function annotationsOf({ error, times }: AskedImageError): Readonly<Record<string, string>> {
  return { [ERROR]: error, ...(times === undefined ? {} : { [TIMES]: times }) };
}

/** UID of the pod whose own Image this is, with a failure that the pod has asked for. */
export function failingPodOf({ metadata }: Image): string | undefined {
  return metadata.annotations?.[ERROR] === undefined ? undefined : metadata.ownerReferences?.find(({ kind }) => kind === "Pod")?.uid;
}

/** What the pod says by now of the failure of its own Image, as a merge patch of annotations; undefined where that stands there already. */
export function askedAnew(pod: Pod, container: string, image: Image): Readonly<Record<string, string | null>> | undefined {
  const asked = askedImageError(pod, container);
  const wanted = asked === undefined ? {} : annotationsOf(asked);
  const change = Object.fromEntries([ERROR, TIMES].map((key) => [key, wanted[key] ?? null] as const).filter(([key, text]) => (image.metadata.annotations?.[key] ?? null) !== text));
  return Object.keys(change).length === 0 ? undefined : change;
}
