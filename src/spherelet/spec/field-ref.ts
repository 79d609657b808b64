import { Quantity } from "../../base/quantity.js";
import type { Container } from "../../kubernetes/container.js";
import type { Pod } from "../../kubernetes/pod.js";
import { ConfigError } from "./config-error.js";
import type { Host } from "../node/host.js";
import { allocatableOf } from "../node/node-object.js";

/** What the downward API can say about a pod: its object, its host and the address it has or is about to have. */
export interface PodFacts {
  readonly pod: Pod;
  readonly host: Host;
  readonly podIp: string;
}

/** The text of a `fieldRef` of a volume, which knows metadata alone. Throws ConfigError for another path. */
export function metadataText(facts: PodFacts, fieldPath: string): string {
  if (!/^metadata\.(name|namespace|uid|labels|annotations|(labels|annotations)\['.+'\])$/.test(fieldPath)) throw new ConfigError(`unsupported fieldPath: ${fieldPath}`);
  return fieldText(facts, fieldPath);
}

/** The text of a `fieldRef` of a variable (core/v1 ObjectFieldSelector). Throws ConfigError for a path that is none. */
export function fieldText(facts: PodFacts, fieldPath: string): string {
  const { metadata, spec } = facts.pod;
  const subscript = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(fieldPath);
  if (subscript !== null) return metadata[subscript[1] as "labels" | "annotations"]?.[subscript[2] ?? ""] ?? "";
  switch (fieldPath) {
    case "metadata.name":
      return metadata.name;
    case "metadata.namespace":
      return metadata.namespace ?? "";
    case "metadata.uid":
      return metadata.uid;
    case "metadata.labels":
      return mapText(metadata.labels);
    case "metadata.annotations":
      return mapText(metadata.annotations);
    case "spec.nodeName":
      return spec.nodeName ?? "";
    case "spec.serviceAccountName":
      return spec.serviceAccountName ?? "";
    case "status.hostIP":
    case "status.hostIPs":
      return facts.host.address;
    case "status.podIP":
    case "status.podIPs":
      return facts.podIp;
    default:
      throw new ConfigError(`field label not supported: ${fieldPath}`);
  }
}

/** One `key="value"` a line, sorted by key, as the downward API writes labels and annotations. */
function mapText(map: Readonly<Record<string, string>> | undefined): string {
  return Object.entries(map ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join("\n");
}

/** A `resourceFieldRef` (core/v1 ResourceFieldSelector). */
export interface ResourceFieldRef {
  readonly containerName?: string;
  readonly resource: string;
  readonly divisor?: string;
}

/**
 * The number a `resourceFieldRef` stands for, in units of its divisor, rounded up. A limit that is not set, or 0, is what the node has.
 *
 * Example: limit cpu 250m, divisor 1m: `250`; divisor 1: `1`.
 */
export function resourceText(facts: PodFacts, container: Container, reference: ResourceFieldRef): string {
  const [list, resource = ""] = reference.resource.split(".");
  if (list !== "limits" && list !== "requests") throw new ConfigError(`unsupported container resource : ${reference.resource}`);
  const divisor = Quantity.parse(reference.divisor === undefined || reference.divisor === "" || reference.divisor === "0" ? "1" : reference.divisor);
  const own = Quantity.parseOrZero(container.resources?.[list]?.[resource]);
  const { nano } = list === "limits" && own.nano === 0n ? Quantity.parseOrZero(allocatableOf(facts.host)[resource]) : own;
  return String((nano + divisor.nano - 1n) / divisor.nano);
}
