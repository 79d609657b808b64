import { LeaseService } from "../../gen/etcd/etcdserverpb/rpc_service.js";
import { serve, type ServedService } from "../../rpc/server.js";
import { keyBytes } from "../key-range.js";
import type { Room } from "./room.js";

/** etcdserverpb.Lease. */
export function leaseService({ lessor, store, member }: Room): ServedService {
  return serve(LeaseService, {
    leaseGrant: async (request) => {
      const lease = await lessor.grant(request.ID, request.TTL);
      return { header: member.headerAt(store.revision), ID: lease.id, TTL: BigInt(lease.grantedSeconds), error: "" };
    },
    leaseRevoke: async (request) => {
      await lessor.revoke(request.ID);
      return { header: member.headerAt(store.revision) };
    },
    leaseKeepAlive: async (requests, stream) => {
      for await (const request of requests) {
        const header = member.headerAt(store.revision);
        await stream.write({ header, ID: request.ID, TTL: BigInt(lessor.renew(request.ID)) });
      }
    },
    leaseTimeToLive: async (request) => {
      const lease = await lessor.lookup(request.ID);
      const header = member.headerAt(store.revision);
      if (lease === undefined) return { header, ID: request.ID, TTL: -1n, grantedTTL: 0n, keys: [] };
      const keys = request.keys ? [...lease.keys].sort().map(keyBytes) : [];
      return { header, ID: request.ID, TTL: BigInt(lease.leftSeconds), grantedTTL: BigInt(lease.grantedSeconds), keys };
    },
    leaseLeases: async () => {
      const ids = await lessor.list();
      return { header: member.headerAt(store.revision), leases: ids.map((ID) => ({ ID })) };
    },
  });
}
