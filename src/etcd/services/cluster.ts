import type { ResponseHeader } from "../../gen/etcd/etcdserverpb/rpc.js";
import { ClusterService } from "../../gen/etcd/etcdserverpb/rpc_service.js";
import { serve, type ServedService } from "../../rpc/server.js";
import { etcdError } from "../errors.js";
import type { Room } from "./room.js";

/**
 * etcdserverpb.Cluster of one member. It stays one: a member that would be added could never start, so adding fails as in an etcd whose
 * members have not all started; removing the only one fails as etcd's does.
 */
export function clusterService({ member, store, clientUrls }: Room): ServedService {
  // As etcd's, these headers tell no revision.
  const header = (): ResponseHeader => ({ ...member.headerAt(0) });
  const members = () => [member.describe(clientUrls())];
  const requireKnown = (id: bigint): void => {
    if (id !== member.id) throw etcdError("memberNotFound");
  };
  return serve(ClusterService, {
    memberList: () => ({ header: header(), members: members() }),
    memberAdd: (request) => {
      if (request.peerURLs.length === 0 || !request.peerURLs.every(isPeerUrl)) throw etcdError("memberBadUrls");
      if (request.peerURLs.some((url) => member.peerUrls.includes(url))) throw etcdError("peerUrlExists");
      throw etcdError("memberNotEnoughStarted");
    },
    memberRemove: (request) => {
      requireKnown(request.ID);
      throw etcdError("memberNotEnoughStarted");
    },
    memberUpdate: async (request) => {
      requireKnown(request.ID);
      await store.write((txn) => txn.alsoWrite(member.setPeerUrls(request.peerURLs)));
      return { header: header(), members: members() };
    },
    memberPromote: (request) => {
      requireKnown(request.ID);
      throw etcdError("memberNotLearner");
    },
  });
}

/** What etcd takes as the URL of a peer: scheme, host and port, no path. */
function isPeerUrl(text: string): boolean {
  return /^(?:unixs?:\/\/.+|https?:\/\/(?:\[[^\]]+\]|[^:/?#\s]*):\d{1,5})$/.test(text.trim());
}
