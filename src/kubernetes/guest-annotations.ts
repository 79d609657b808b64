import { parseGoDuration } from "../base/go-duration.js";
import type { Pod } from "./pod.js";

const DOMAIN = "spheresim.dev/";
const PREFIX = "guest-";

/**
 * What a pod's annotations `spheresim.dev/guest-...` may say of the inside of its VM as a whole. Times are of emulated time, counted from the start
 * of the pod's containers, as Go writes durations (`30s`); a list goes by the VM's power-on, its last entry counts on, `stays` does nothing.
 */
export const guestAnnotations = {
  /** The kernel panics: the VM loses its guest with a word why. */
  panicsAfter: "guest-panics-after",
  /** The guest stands still: no heartbeat, no answer. */
  hangsAfter: "guest-hangs-after",
  /** How long it hangs; for ever when absent. */
  hangsFor: "guest-hangs-for",
} as const;

const NAMES: readonly string[] = Object.values(guestAnnotations);

/** An annotation that nobody knows, or that cannot be read. */
export class GuestAnnotationError extends Error {
  override readonly name = "GuestAnnotationError";
  /** Without domain. */
  readonly annotation: string;

  constructor(annotation: string, text: string, why: string) {
    super(`annotation ${DOMAIN}${annotation} "${text}": ${why}`);
    this.annotation = annotation;
  }
}

/** When what befalls a guest in one life, milliseconds; Infinity for never. */
export interface GuestFate {
  readonly panicsAfterMs: number;
  readonly hangsAfterMs: number;
  readonly hangsForMs: number;
}

/** What the pod says of its guest, by name without domain. */
export function guestAnnotationsOf(pod: Pod): Readonly<Record<string, string>> {
  const entries = Object.entries(pod.metadata.annotations ?? {}).filter(([key]) => key.startsWith(DOMAIN + PREFIX));
  return Object.fromEntries(entries.map(([key, text]) => [key.slice(DOMAIN.length), text]));
}

/**
 * The fate of a guest in the life of that power-on, from 1.
 *
 * Worked example: `guest-panics-after: "5s,stays"` makes the guest panic 5 s after its containers started, and in its second life not at all.
 *
 * @throws GuestAnnotationError
 */
export function guestFateOf(annotations: Readonly<Record<string, string>>, powerOnCount: number): GuestFate {
  for (const [name, text] of Object.entries(annotations)) if (!NAMES.includes(name)) throw new GuestAnnotationError(name, text, `not known; known are ${NAMES.join(", ")}`);
  const of = (name: string): number => {
    const text = annotations[name];
    if (text === undefined) return Number.POSITIVE_INFINITY;
    const lives = text.split(",").map((part) => entryOf(name, text, part.trim()));
    return lives[Math.min(Math.max(powerOnCount, 1), lives.length) - 1] ?? Number.POSITIVE_INFINITY;
  };
  return { panicsAfterMs: of(guestAnnotations.panicsAfter), hangsAfterMs: of(guestAnnotations.hangsAfter), hangsForMs: of(guestAnnotations.hangsFor) };
}

function entryOf(name: string, text: string, part: string): number {
  if (part === "stays") return Number.POSITIVE_INFINITY;
  const ms = parseGoDuration(part);
  if (ms === undefined) throw new GuestAnnotationError(name, text, "must be a duration such as 30s or 1m30s, stays, or a list of these");
  return ms;
}
