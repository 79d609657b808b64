import type { Node } from "../kubernetes/node.js";

/** How a zone is, as kube-controller-manager's node lifecycle controller sees it. */
export type ZoneState = "Normal" | "PartialDisruption" | "FullDisruption";

/** `--node-eviction-rate`: nodes of a zone given up in a second. */
const RATE_PER_S = 0.1;
/** `--secondary-node-eviction-rate`: the same in a large zone of which many nodes are not Ready. */
const SECONDARY_RATE_PER_S = 0.01;
/** `--unhealthy-zone-threshold`. */
const UNHEALTHY_SHARE = 0.55;
/** `--large-cluster-size-threshold`: a zone of more nodes is large. */
const LARGE_ZONE_NODES = 50;
/** So many may be not Ready whatever their share: in a small zone each is a large share. */
const FEW_NODES = 2;

/** The zone of a node by its labels for region and zone; those without either are one zone. */
export function zoneOf({ metadata: { labels } }: Node): string {
  const region = labels?.["topology.kubernetes.io/region"] ?? labels?.["failure-domain.beta.kubernetes.io/region"] ?? "";
  const zone = labels?.["topology.kubernetes.io/zone"] ?? labels?.["failure-domain.beta.kubernetes.io/zone"] ?? "";
  return region === "" && zone === "" ? "" : `${region}/${zone}`;
}

/** FullDisruption where no node is Ready, PartialDisruption where more than 2 and at least 55 % are not. */
export function zoneStateOf(ready: number, notReady: number): ZoneState {
  if (ready === 0 && notReady > 0) return "FullDisruption";
  return notReady > FEW_NODES && notReady / (ready + notReady) >= UNHEALTHY_SHARE ? "PartialDisruption" : "Normal";
}

/** Nodes a second of such a zone that get a NoExecute taint: a small zone that is partly disrupted gets none, a fully disrupted one the usual rate. */
export function evictionRateOf(state: ZoneState, nodes: number): number {
  if (state !== "PartialDisruption") return RATE_PER_S;
  return nodes > LARGE_ZONE_NODES ? SECONDARY_RATE_PER_S : 0;
}
