import { toTimestamp } from "../../base/timestamp.js";
import type { DrsRecommendation, VmUsage } from "../../gen/spheresim/vcenter/v1/drs.js";
import { DrsServiceService } from "../../gen/spheresim/vcenter/v1/drs_service.js";
import type { ManagedObjectReference } from "../../gen/spheresim/vim/v1/managed_object.js";
import type { RequestCache } from "../../rpc/request-cache.js";
import { serve, type ServedService } from "../../rpc/server.js";
import { type ClusterPass, VmUsages } from "../drs-running/cluster-pass.js";
import type { Drs } from "../drs-running/drs.js";
import { isEnabled } from "../drs-running/drs-passes.js";
import { recommendationMessage } from "../drs-running/recommendation.js";
import type { Inventory } from "../inventory/inventory.js";
import type { Pages } from "../inventory/pages.js";
import { onlyCluster } from "../placement/placement-spec.js";
import { VimFault } from "../vim-fault.js";
import { answering } from "./answering.js";

/** What the service works with. */
export interface DrsServiceOptions {
  readonly inventory: Inventory;
  readonly drs: Drs;
  readonly requests: RequestCache;
  readonly recommendationPages: Pages<DrsRecommendation>;
  readonly usagePages: Pages<VmUsage>;
}

/** DrsService on the wire. */
export function drsService({ inventory, drs, requests, recommendationPages, usagePages }: DrsServiceOptions): ServedService {
  const { passes, moves, powerOns, applications } = drs;
  const clusterOf = (ref: ManagedObjectReference | undefined): string => inventory.cluster(ref?.value ?? onlyCluster("cluster", inventory)).ref?.value ?? "";
  const standing = (cluster: string, pass: ClusterPass | undefined): DrsRecommendation[] => {
    const found = (pass?.recommendations ?? []).filter((each) => moves.stands(each)).map(recommendationMessage);
    return [...found, ...powerOns.standing(cluster)].sort((left, right) => right.rating - left.rating);
  };

  return serve(DrsServiceService, {
    refreshRecommendations: answering((request) =>
      requests.answer("RefreshRecommendations", request, async () => {
        const cluster = clusterOf(request.cluster);
        const { name, drsConfig } = inventory.cluster(cluster);
        if (!isEnabled(drsConfig)) throw VimFault.invalidState(`DRS is not enabled on cluster ${name}.`);
        const pass = await passes.refresh(cluster);
        return { time: toTimestamp(pass.timeMs), recommendations: standing(cluster, pass) };
      }),
    ),
    listRecommendations: answering((request) => {
      const cluster = clusterOf(request.cluster);
      const { items, nextPageToken } = recommendationPages.page(request, () => standing(cluster, passes.last(cluster)));
      return { recommendations: [...items], nextPageToken };
    }),
    applyRecommendations: answering((request) => requests.answer("ApplyRecommendations", request, () => applications.apply(request))),
    listVmUsage: answering(async (request) => {
      const pass = await passes.known(clusterOf(request.cluster));
      const { items, nextPageToken } = usagePages.page(request, () => new VmUsages(pass, inventory.ledger));
      return { vms: [...items], nextPageToken };
    }),
  });
}
