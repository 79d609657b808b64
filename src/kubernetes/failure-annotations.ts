import { ownAnnotation } from "./container-annotations.js";
import type { Pod } from "./pod.js";

/**
 * Failures that a pod's annotations ask of the world around it, under the same domain as `containerAnnotations`: those of images for all
 * containers or for one, those of the network for the pod. Removed from the pod they are over.
 */
export const failureAnnotations = {
  /** Its image cannot be resolved, and this is why: a word of `resolveErrors`, or any other text as the registry's answer. */
  imageError: "image-error",
  /** How often the image fails before it is found; for ever when absent. */
  imageErrorTimes: "image-error-times",
  /** How often the pod's network cannot be realized before it can, or `always`; a network controller that was started anew counts anew. */
  networkErrors: "network-errors",
} as const;

/** Most failures that can be counted down. */
export const MAX_TIMES = 1000;

/** An image that is to fail. */
export interface AskedImageError {
  readonly error: string;
  /** As written; undefined is for ever. */
  readonly times: string | undefined;
}

/** Whether the pod asks that the image of this container fails. */
export function askedImageError(pod: Pod, container: string): AskedImageError | undefined {
  const error = ownAnnotation(pod, container, failureAnnotations.imageError);
  return error === undefined || error === "" ? undefined : { error, times: ownAnnotation(pod, container, failureAnnotations.imageErrorTimes) };
}

/** How often something fails: a count from 1, or for ever. Undefined for a text that is neither. */
export function timesOf(text: string | undefined): number | undefined {
  if (text === undefined || text === "always") return Number.POSITIVE_INFINITY;
  const times = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  return times >= 1 && times <= MAX_TIMES ? times : undefined;
}
