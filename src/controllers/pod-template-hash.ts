import type { PodTemplate } from "../kubernetes/pod.js";

/** The label that tells one ReplicaSet of a Deployment from another. */
export const POD_TEMPLATE_HASH = "pod-template-hash";

/** Without vowels and look-alikes, as Kubernetes' names are written. */
const ALPHABET = "bcdfghjklmnpqrstvwxz2456789";

/** JSON with sorted keys, so that equal templates give equal text. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const entries = Object.entries(value).filter(([, entry]) => entry !== undefined);
  return `{${entries
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, entry]) => `${JSON.stringify(key)}:${canonicalJson(entry)}`)
    .join(",")}}`;
}

/**
 * FNV-1a of the template, in the field's alphabet. Kubernetes hashes a dump of its own structures, so the letters differ
 * from a real cluster's; the shape and the meaning are the same. `collisions` makes another hash of the same template.
 */
export function podTemplateHash(template: PodTemplate, collisions: number): string {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(canonicalJson(template) + (collisions > 0 ? `#${collisions}` : ""))) hash = Math.imul(hash ^ byte, 0x01000193);
  return Array.from(String(hash >>> 0)).map((digit) => ALPHABET[digit.charCodeAt(0) % ALPHABET.length]).join("");
}

/** Whether two templates ask for the same pods, whatever their hash labels say. */
export function isSameTemplate(a: PodTemplate, b: PodTemplate): boolean {
  return canonicalJson(withoutHash(a)) === canonicalJson(withoutHash(b));
}

function withoutHash(template: PodTemplate): unknown {
  const { [POD_TEMPLATE_HASH]: _, ...labels } = template.metadata?.labels ?? {};
  return { annotations: template.metadata?.annotations ?? {}, labels, spec: template.spec };
}
