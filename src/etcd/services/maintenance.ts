import { createHash } from "node:crypto";
import { type AlarmMember, AlarmRequest_AlarmAction, AlarmType, type SnapshotResponse, StatusResponse } from "../../gen/etcd/etcdserverpb/rpc.js";
import { MaintenanceService } from "../../gen/etcd/etcdserverpb/rpc_service.js";
import { serve, type ServedService, type StreamWriter } from "../../rpc/server.js";
import { type BackendFacts, backendBuckets, hashBackend } from "../storage/backend.js";
import { BoltImage } from "../bolt/image.js";
import { etcdError } from "../errors.js";
import { CLUSTER_VERSION, ETCD_VERSION } from "../member/etcd-version.js";
import { hashKv } from "../storage/hash-kv.js";
import type { Room } from "./room.js";

/** Bytes of a snapshot in one message, as etcd sends it. */
const BLOB_BYTES = 32 * 1024;

/** etcdserverpb.Maintenance. */
export function maintenanceService(room: Room): ServedService {
  const { member, store, alarms, downgrade, raftIndex } = room;
  const facts = (): BackendFacts => ({ member, clientUrls: room.clientUrls(), clusterVersion: CLUSTER_VERSION, raftIndex: raftIndex() });
  return serve(MaintenanceService, {
    status: async () => {
      const [size, used] = [await store.table.sizeBytes(), await store.table.usedBytes()];
      return StatusResponse.create({
        header: member.headerAt(store.revision),
        version: ETCD_VERSION,
        dbSize: BigInt(size),
        dbSizeInUse: BigInt(Math.min(size, used)),
        leader: member.id,
        raftIndex: raftIndex(),
        raftAppliedIndex: raftIndex(),
        raftTerm: member.term,
        errors: alarms.list().map(alarmText),
      });
    },
    hashKv: async (request) => {
      const { hash, compactRevision } = await hashKv(store, Number(request.revision));
      // hash_revision came with 3.6.
      return { header: member.headerAt(store.revision), hash, compactRevision: BigInt(compactRevision), hashRevision: 0n };
    },
    hash: async () => {
      const snapshot = store.table.snapshot();
      try {
        return { header: member.headerAt(store.revision), hash: await hashBackend(await backendBuckets(snapshot, facts())) };
      } finally {
        await snapshot.close();
      }
    },
    snapshot: async (_request, stream) => {
      const snapshot = store.table.snapshot();
      try {
        await sendImage(await BoltImage.plan(await backendBuckets(snapshot, facts())), stream);
      } finally {
        await snapshot.close();
      }
    },
    defragment: async () => {
      await store.table.defragment();
      return { header: undefined };
    },
    alarm: async (request) => {
      const changed = await changeAlarm(room, request.action, request.memberID, request.alarm);
      return { header: member.headerAt(store.revision), alarms: changed };
    },
    moveLeader: (request) => {
      // The one member leads already; there is nobody else.
      if (request.targetID !== member.id) throw etcdError("badLeaderTransferee");
      return { header: undefined };
    },
    downgrade: async (request) => {
      await downgrade.ask(request.action, request.version);
      return { header: member.headerAt(store.revision), version: CLUSTER_VERSION };
    },
  });
}

async function changeAlarm({ alarms }: Room, action: AlarmRequest_AlarmAction, memberId: bigint, kind: AlarmType): Promise<AlarmMember[]> {
  switch (action) {
    case AlarmRequest_AlarmAction.GET:
      return alarms.list(kind);
    case AlarmRequest_AlarmAction.ACTIVATE:
      return kind === AlarmType.NONE ? [] : [await alarms.activate(memberId, kind)];
    case AlarmRequest_AlarmAction.DEACTIVATE: {
      const off = await alarms.deactivate(memberId, kind);
      return off === undefined ? [] : [off];
    }
    default:
      return [];
  }
}

/** An alarm as Status.errors names it: Go's text of the message, the space at its end included. */
function alarmText({ memberID, alarm }: AlarmMember): string {
  return `${memberID === 0n ? "" : `memberID:${memberID} `}${alarm === AlarmType.NONE ? "" : `alarm:${AlarmType[alarm] ?? alarm} `}`;
}

/** Sends a file in blobs, each with what remains after it, and last the SHA-256 of all. */
async function sendImage(image: BoltImage, stream: StreamWriter<SnapshotResponse>): Promise<void> {
  const hash = createHash("sha256");
  let remaining = image.sizeBytes;
  let waiting: Buffer[] = [];
  let waitingBytes = 0;
  for await (const piece of image.pages()) {
    waiting.push(piece);
    waitingBytes += piece.length;
    if (waitingBytes < BLOB_BYTES) continue;
    const bytes = Buffer.concat(waiting);
    let at = 0;
    for (; bytes.length - at >= BLOB_BYTES; at += BLOB_BYTES) {
      const blob = bytes.subarray(at, at + BLOB_BYTES);
      hash.update(blob);
      remaining -= blob.length;
      await stream.write({ header: undefined, remainingBytes: BigInt(remaining), blob, version: "" });
    }
    waiting = [bytes.subarray(at)];
    waitingBytes = bytes.length - at;
  }
  const last = Buffer.concat(waiting);
  if (last.length > 0) await stream.write({ header: undefined, remainingBytes: 0n, blob: last, version: "" });
  await stream.write({ header: undefined, remainingBytes: 0n, blob: hash.update(last).digest(), version: "" });
}
