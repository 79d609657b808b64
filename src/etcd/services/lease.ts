import { LeaseService } from "../../gen/etcd/etcdserverpb/rpc_service.js";
import { serve, type ServedService } from "../../rpc/server.js";
import type { HandlersOf } from "../../rpc/service.js";
import { permitKeys } from "../auth/request-permissions.js";
import { keyBytes } from "../key-index/key-range.js";
import { admittedHandlers } from "./admitted.js";
import type { Room } from "./room.js";

/** etcdserverpb.Lease. */
export function leaseService(room: Room): ServedService {
  return serve(LeaseService, leaseHandlers(room));
}

/** The methods themselves; Lock and Election call them too, in the name of their own callers. */
export function leaseHandlers(room: Room) {
  const { lessor, store, member, auth, gate } = room;
  const handlers = {
    leaseGrant: async (request, call) => {
      gate.requireIdentity(call);
      const lease = await lessor.grant(request.ID, request.TTL);
      return { header: member.headerAt(store.revision), ID: lease.id, TTL: BigInt(lease.grantedSeconds), error: "" };
    },
    leaseRevoke: async (request, call) => {
      const who = gate.requireIdentity(call);
      await lessor.revoke(request.ID, (keys) => permitKeys(auth.newest, who, keys, "write"));
      return { header: member.headerAt(store.revision) };
    },
    leaseKeepAlive: async (requests, stream, call) => {
      for await (const request of requests) {
        const header = member.headerAt(store.revision);
        permitKeys(auth.state, gate.requireIdentity(call), lessor.keysOf(request.ID), "write");
        await stream.write({ header, ID: request.ID, TTL: BigInt(lessor.renew(request.ID)) });
      }
    },
    leaseTimeToLive: async (request, call) => {
      const who = gate.requireIdentity(call);
      if (request.keys) permitKeys(auth.state, who, lessor.keysOf(request.ID), "read");
      const lease = await lessor.lookup(request.ID);
      const header = member.headerAt(store.revision);
      if (lease === undefined) return { header, ID: request.ID, TTL: -1n, grantedTTL: 0n, keys: [] };
      const keys = request.keys ? [...lease.keys].sort().map(keyBytes) : [];
      return { header, ID: request.ID, TTL: BigInt(lease.leftSeconds), grantedTTL: BigInt(lease.grantedSeconds), keys };
    },
    leaseLeases: async (_, call) => {
      const who = gate.requireIdentity(call);
      const ids = await lessor.list();
      for (const id of ids) permitKeys(auth.state, who, lessor.keysOf(id), "read");
      return { header: member.headerAt(store.revision), leases: ids.map((ID) => ({ ID })) };
    },
  } satisfies HandlersOf<typeof LeaseService>;
  return admittedHandlers(handlers, room);
}
