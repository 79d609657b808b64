import type { Pod } from "./pod.js";

const DOMAIN = "spheresim.dev";

/**
 * What a pod's annotations may say of how its containers run: `spheresim.dev/<name>` for all of them, `<container>.spheresim.dev/<name>`
 * for one, which counts before the other. They overrule the image's profile. Times are of emulated time, as Go writes durations (`30s`).
 */
export const containerAnnotations = {
  /** Name of the image profile to run by, whatever the image: `nginx`. */
  profile: "profile",
  /** Exit code; or a list by start, `1,1,stays`, whose last counts on: `stays` does not end by itself. */
  exitCode: "exit-code",
  /** When it exits, after its start; with 0 where no exit code is named. */
  exitsAfter: "exits-after",
  /** `true`: it takes more memory than it may have, and ends as OOMKilled when it would exit. */
  oomKilled: "oom-killed",
  /** It cannot be started, and this is why. */
  startError: "start-error",
  /** What TERM does: an exit code, or `ignored`. */
  onTerm: "on-term",
  /** Time between TERM and its end. */
  termTakes: "term-takes",
  /** Its startup probe fails until then, after its start. */
  startedAfter: "started-after",
  /** Its readiness probe fails until then, after its start. */
  readyAfter: "ready-after",
  /** Its readiness probe fails from then on, after its start. */
  unreadyAfter: "unready-after",
  /** Its liveness probe fails from then on, after its start. */
  livenessFailsAfter: "liveness-fails-after",
  /** Time that each answer to a probe or hook takes. */
  answerTakes: "answer-takes",
  /** CPU it uses while it runs, a quantity of cores: `250m`; no more than its limit. */
  cpu: "cpu",
  /** Memory it uses while it runs, a quantity of bytes: `64Mi`; beyond its limit it ends as OOMKilled, at once or when it would exit. */
  memory: "memory",
} as const;

/** Tells which profile each container runs by, written by the Spherelet: `{"web":"nginx"}`. */
export const imageProfilesAnnotation = `${DOMAIN}/image-profiles`;

/** Of images, for all containers or one, and no matter of an agent (`failure-annotations.ts`). */
const imageNames: ReadonlySet<string> = new Set(["image-error", "image-error-times"]);
/** Of the pod alone: its network's, its address and what it runs by. */
const podNames: ReadonlySet<string> = new Set(["network-errors", "pod-ip", "image-profiles"]);
/** Of its VM (`guest-annotations.ts`). */
const GUEST_PREFIX = "guest-";

/** The annotation's key: `spheresim.dev/exit-code`. */
export const annotationKey = (name: string): string => `${DOMAIN}/${name}`;

/** What the pod says under that name: of the container, else of all. */
export function ownAnnotation(pod: Pod, container: string, name: string): string | undefined {
  const annotations = pod.metadata.annotations ?? {};
  return annotations[`${container}.${DOMAIN}/${name}`] ?? annotations[annotationKey(name)];
}

/**
 * What the pod says of one container, by name without domain. A name that nobody knows passes, so that the container's agent refuses it.
 *
 * Worked example: `spheresim.dev/exit-code: "0"` and `web.spheresim.dev/exit-code: "3"` give `web` exit-code 3 and its neighbours 0.
 */
export function annotationsFor(pod: Pod, container: string): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  const all = Object.entries(pod.metadata.annotations ?? {});
  for (const [key, text] of all) {
    const name = key.startsWith(`${DOMAIN}/`) ? key.slice(DOMAIN.length + 1) : "";
    if (name !== "" && !imageNames.has(name) && !podNames.has(name) && !name.startsWith(GUEST_PREFIX)) found[name] = text;
  }
  const own = `${container}.${DOMAIN}/`;
  for (const [key, text] of all) {
    const name = key.startsWith(own) ? key.slice(own.length) : "";
    if (name !== "" && !imageNames.has(name)) found[name] = text;
  }
  return found;
}
