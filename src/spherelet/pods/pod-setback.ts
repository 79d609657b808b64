import { isDeepStrictEqual } from "node:util";
import { imageProfilesAnnotation } from "../../kubernetes/container-annotations.js";
import { GuestAnnotationError } from "../../kubernetes/guest-annotations.js";
import type { Pod } from "../../kubernetes/pod.js";
import { ApiError } from "../../kubernetes/status.js";
import { NotAdmitted } from "../node/admission.js";
import { ConfigError, UnmountedVolumes } from "../spec/config-error.js";
import type { PodEvents } from "../status/pod-events.js";
import { NoPodAddress } from "./pod-startup.js";
import type { Trouble } from "../status/pod-status.js";
import { UnsupportedPod } from "../spec/start-request.js";
import { ProviderFault } from "../vsphere.js";

/** After so many attempts in a row (about 6 s) the pod's status and events say what is wrong. */
const ATTEMPTS_BEFORE_TROUBLE = 7;
/** A VM that its host does not know may be on its way; after so many attempts (about 25 s) it is not. */
const ATTEMPTS_BEFORE_LOST = 9;

/** Why a pod could not be started, as its status and events tell it. */
export interface Setback {
  /** Trying again cannot help: only another ConfigurePod, or deletion, goes on from here. */
  readonly lasting: boolean;
  /** A kubelet would go on trying, and telling of it; who does not try tells all the same. */
  readonly toldAgain?: boolean;
  /** Volumes are waited for, which a kubelet tries by a back-off of their own. */
  readonly ofVolumes?: boolean;
  readonly trouble: Trouble | undefined;
  tell(events: PodEvents, pod: Pod): void;
}

/** Whether somebody has changed what the pod says of itself, so that what could not work may work now; its status is not of that. */
export function mayBeMended(before: Pod, now: Pod): boolean {
  const saying = ({ metadata, spec }: Pod): unknown => ({ spec, annotations: { ...metadata.annotations, [imageProfilesAnnotation]: undefined } });
  return !isDeepStrictEqual(saying(before), saying(now));
}

/** What a failed attempt means for the pod; undefined where there is nothing to tell (yet), as for an API server out of reach. */
export function setbackOf(error: unknown, attempts: number): Setback | undefined {
  if (error instanceof UnmountedVolumes) {
    return { lasting: false, ofVolumes: true, trouble: undefined, tell: (events, pod) => events.mountFailed(pod, error) };
  }
  if (error instanceof NotAdmitted) {
    return { lasting: true, trouble: error.trouble, tell: (events, pod) => events.notAdmitted(pod, error.trouble.reason, error.message) };
  }
  if (error instanceof UnsupportedPod || error instanceof GuestAnnotationError) {
    return { lasting: true, toldAgain: true, trouble: undefined, tell: (events, pod) => events.sandboxFailed(pod, error.message) };
  }
  if (error instanceof NoPodAddress) {
    return { lasting: false, trouble: undefined, tell: (events, pod) => events.sandboxFailed(pod, error.message) };
  }
  return error instanceof ProviderFault ? ofProvider(error, attempts) : undefined;
}

/** How a log tells of a failure: what a provider, the pod or the API server refused needs no stack, what nobody foresaw does. */
export function loggedAs(error: unknown): { readonly error: string } | { readonly err: unknown } {
  const isForeseen = error instanceof ProviderFault || error instanceof ConfigError || error instanceof GuestAnnotationError || error instanceof UnsupportedPod || error instanceof ApiError;
  return isForeseen ? { error: error.message } : { err: error };
}

function ofProvider(error: ProviderFault, attempts: number): Setback | undefined {
  const isLost = error.provider === "HostD" && error.fault === "ManagedObjectNotFound";
  const final = isLost ? attempts >= ATTEMPTS_BEFORE_LOST : !error.passing;
  // Who waited for an answer in vain has waited long enough to say so.
  if (!final && attempts < ATTEMPTS_BEFORE_TROUBLE && error.fault !== "Timedout") return undefined;
  const trouble: Trouble = {
    reason: error.provider === "HostD" || final ? "ProviderFailed" : "AgentUnreachable",
    message: `${error.provider}: ${error.message}`,
    final,
  };
  return { lasting: final, trouble, tell: (events, pod) => events.sandboxFailed(pod, trouble.message) };
}
