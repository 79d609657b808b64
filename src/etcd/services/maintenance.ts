import { RpcError } from "../../base/rpc-error.js";
import { AlarmRequest_AlarmAction, StatusResponse } from "../../gen/etcd/etcdserverpb/rpc.js";
import { MaintenanceService } from "../../gen/etcd/etcdserverpb/rpc_service.js";
import { serve, type ServedService } from "../../rpc/server.js";
import { hashKv } from "../hash-kv.js";
import type { Room } from "./room.js";

/**
 * The etcd whose behaviour this is, by which clients know what they may ask: progress requests answered only by a stream that is up to
 * date came with 3.5.13, the deletion at the compaction point that a watch still gets with 3.5.16.
 */
export const ETCD_VERSION = "3.5.16";

/** etcdserverpb.Maintenance: Status, HashKV and the reading of alarms. */
export function maintenanceService({ member, store }: Room): ServedService {
  return serve(MaintenanceService, {
    status: async () => {
      const size = BigInt(await store.table.sizeBytes());
      // There is no raft log; revisions of all terms stand in for its index, which only has to grow.
      const index = BigInt(store.revision) + member.term;
      return StatusResponse.create({
        header: member.headerAt(store.revision),
        version: ETCD_VERSION,
        dbSize: size,
        dbSizeInUse: size,
        leader: member.id,
        raftIndex: index,
        raftAppliedIndex: index,
        raftTerm: member.term,
      });
    },
    hashKv: async (request) => {
      const { hash, compactRevision } = await hashKv(store, Number(request.revision));
      // hash_revision came with 3.6.
      return { header: member.headerAt(store.revision), hash, compactRevision: BigInt(compactRevision), hashRevision: 0n };
    },
    alarm: (request) => {
      if (request.action !== AlarmRequest_AlarmAction.GET) throw RpcError.unimplemented("AlarmRequest.action ACTIVATE and DEACTIVATE of etcd");
      return { header: member.headerAt(store.revision), alarms: [] };
    },
  });
}
