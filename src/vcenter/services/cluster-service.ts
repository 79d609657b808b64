import { ClusterServiceService } from "../../gen/spheresim/vcenter/v1/cluster_service.js";
import type { RequestCache } from "../../rpc/request-cache.js";
import { serve, type ServedService } from "../../rpc/server.js";
import type { ClusterAdmin } from "../clusters/cluster-admin.js";
import { clusterUsage } from "../drs-running/cluster-pass.js";
import type { DrsPasses } from "../drs-running/drs-passes.js";
import type { Inventory } from "../inventory/inventory.js";
import { onlyCluster } from "../placement/placement-spec.js";
import { answering } from "./answering.js";

/** What the service works with. */
export interface ClusterServiceOptions {
  readonly clusters: ClusterAdmin;
  readonly inventory: Inventory;
  readonly passes: DrsPasses;
  readonly requests: RequestCache;
}

/** ClusterService on the wire. */
export function clusterService({ clusters, inventory, passes, requests }: ClusterServiceOptions): ServedService {
  return serve(ClusterServiceService, {
    reconfigureCluster: answering((request) => requests.answer("ReconfigureCluster", request, async () => clusters.reconfigure(request))),
    getResourceUsage: answering(async ({ cluster }) => clusterUsage(await passes.known(inventory.cluster(cluster?.value ?? onlyCluster("cluster", inventory)).ref?.value ?? ""))),
  });
}
