import { ClusterServiceService } from "../../gen/spheresim/vcenter/v1/cluster_service.js";
import type { RequestCache } from "../../rpc/request-cache.js";
import { serve, type ServedService } from "../../rpc/server.js";
import type { ClusterAdmin } from "../cluster-admin.js";
import { answering } from "./answering.js";

/** What the service works with. */
export interface ClusterServiceOptions {
  readonly clusters: ClusterAdmin;
  readonly requests: RequestCache;
}

/** ClusterService on the wire. */
export function clusterService({ clusters, requests }: ClusterServiceOptions): ServedService {
  return serve(ClusterServiceService, {
    reconfigureCluster: answering((request) => requests.answer("ReconfigureCluster", request, async () => clusters.reconfigure(request))),
  });
}
