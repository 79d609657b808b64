import { findCondition } from "../kubernetes/condition.js";
import type { Image } from "../kubernetes/cluster-objects.js";
import type { Node } from "../kubernetes/node.js";

/**
 * The host whose fetcher resolves an image: any that is well, always the same one while the hosts are; undefined without one. Events of
 * Image objects name it.
 */
export function fetcherHost(nodes: readonly Node[], image: Image): string | undefined {
  const well = nodes.filter(({ metadata, status }) => metadata.deletionTimestamp === undefined && findCondition(status?.conditions, "Ready")?.status !== "False");
  const names = (well.length > 0 ? well : nodes).map(({ metadata }) => metadata.name).sort();
  const number = Number.parseInt(image.metadata.uid.replaceAll("-", "").slice(-8), 16);
  return names[(Number.isNaN(number) ? 0 : number) % names.length];
}
