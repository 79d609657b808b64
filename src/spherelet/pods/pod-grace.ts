import type { Pod } from "../../kubernetes/pod.js";

/** What core/v1 says where a pod says nothing. */
const DEFAULT_GRACE_SECONDS = 30;
/** What core/v1 makes of a negative one. */
const NEGATIVE_GRACE_SECONDS = 1;

/** How long the containers of a pod may take from the first word of their end to KILL, seconds: its deletion's word counts before its spec's. */
export function graceSecondsOf(pod: Pod): number {
  const seconds = pod.metadata.deletionGracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS;
  return seconds < 0 ? NEGATIVE_GRACE_SECONDS : seconds;
}
