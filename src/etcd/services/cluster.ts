import { ClusterService } from "../../gen/etcd/etcdserverpb/rpc_service.js";
import { serve, type ServedService } from "../../rpc/server.js";
import type { Room } from "./room.js";

/** etcdserverpb.Cluster of one member. */
export function clusterService({ member, store, clientUrls }: Room): ServedService {
  return serve(ClusterService, {
    memberList: () => ({ header: member.headerAt(store.revision), members: [member.describe(clientUrls())] }),
  });
}
