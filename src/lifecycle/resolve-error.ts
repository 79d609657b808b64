import type { Image } from "../kubernetes/cluster-objects.js";
import { annotationKey } from "../kubernetes/container-annotations.js";
import { failureAnnotations, MAX_TIMES, timesOf } from "../kubernetes/failure-annotations.js";
import { canonicalName, type ImageReference } from "./image-reference.js";

/** Images that cannot be had: references that begin with `images`, as written or in full, up to a `/`, `:` or `@`. */
export interface ImageError {
  readonly images: string;
  /** A word of `resolveErrors`, or the registry's answer. */
  readonly error: string;
  /** How often each fails before it is found; for ever when absent. */
  readonly times?: number | undefined;
}

/** A registry's answer beyond this is cut, as events are. */
const MAX_TEXT_CHARS = 1024;
/** Top-level domain that never resolves (RFC 2606). */
const UNKNOWN_DOMAIN = /\.invalid(:\d+)?$/;

/** What a registry that cannot give an image says, in a fetcher's words, by the word that asks for it. */
export const resolveErrors: Readonly<Record<string, (reference: ImageReference) => string>> = {
  "no-such-host": (reference) => failed(400, `failed to do request: Head "${manifestUrl(reference)}": dial tcp: lookup ${hostOf(reference)}: no such host`),
  "not-found": (reference) => failed(404, `${canonicalName(reference)}: not found`),
  unauthorized: (reference) => failed(401, `pull access denied, repository does not exist or may require authorization: authorization failed: ${canonicalName(reference)}`),
  "bad-certificate": (reference) => failed(400, `failed to do request: Head "${manifestUrl(reference)}": tls: failed to verify certificate: x509: certificate signed by unknown authority`),
  "rate-limited": (reference) => failed(429, `unexpected status from HEAD request to ${manifestUrl(reference)}: 429 Too Many Requests`),
};

/**
 * Why this try to resolve an image fails; undefined where it does not. No registry is asked: a registry under `.invalid` is unknown, and an
 * Image's annotations, else `errors`, may ask for any other failure, for ever or for its first tries.
 *
 * Worked example: `spheresim.dev/image-error: not-found` and `spheresim.dev/image-error-times: "2"` fail at 0 and 1 failures before.
 */
export function resolveError({ metadata, spec, status }: Image, reference: ImageReference, errors: readonly ImageError[]): string | undefined {
  const error = metadata.annotations?.[annotationKey(failureAnnotations.imageError)] ?? "";
  const failures = status?.failures ?? 0;
  if (error === "") {
    const known = errors.find(({ images }) => [spec.reference, canonicalName(reference)].some((name) => beginsWith(name, images)));
    if (known !== undefined) return failures < (known.times ?? Number.POSITIVE_INFINITY) ? textOf(known.error, reference) : undefined;
    return UNKNOWN_DOMAIN.test(reference.domain) ? textOf("no-such-host", reference) : undefined;
  }
  const key = annotationKey(failureAnnotations.imageErrorTimes);
  const text = metadata.annotations?.[key];
  const times = timesOf(text);
  if (times === undefined) return `annotation ${key} "${text}": must be a whole number from 1 to ${MAX_TIMES}, or always`;
  return failures < times ? textOf(error, reference) : undefined;
}

function textOf(error: string, reference: ImageReference): string {
  return Object.hasOwn(resolveErrors, error) ? resolveErrors[error]!(reference) : error.slice(0, MAX_TEXT_CHARS);
}

/** Example: `ghcr.io/shop` begins `ghcr.io/shop/web:2`, not `ghcr.io/shops/web`. */
function beginsWith(name: string, start: string): boolean {
  return name === start || (name.startsWith(start) && (start.endsWith("/") || /^[/:@]/.test(name.slice(start.length))));
}

function failed(code: number, why: string): string {
  return `Http request failed. Code ${code}: ErrorType(2) ${why}`;
}

/** Where a registry has the manifest: docker.io's is kept by another host. */
function manifestUrl(reference: ImageReference): string {
  const host = reference.domain === "docker.io" ? "registry-1.docker.io" : reference.domain;
  return `https://${host}/v2/${reference.path}/manifests/${reference.digest ?? reference.tag ?? "latest"}`;
}

function hostOf({ domain }: ImageReference): string {
  return domain.replace(/:\d+$/, "");
}
