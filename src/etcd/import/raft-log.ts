import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { MessageError, MessageReader } from "../../base/message-reader.js";
import { crc32c } from "../storage/crc32c.js";
import { eachField, RaftLogError, recordsOf } from "./wal-file.js";

export { RaftLogError } from "./wal-file.js";

/** What a real etcd wrote of itself and of its changes into its write-ahead log. */
export interface RaftLog {
  /** Cluster id and member id, 8 bytes big-endian each; undefined where the log does not say. */
  readonly identity: Buffer | undefined;
  /** Index of the first entry after `from` that changes what clients see, or of a snapshot that is newer; undefined if there is none. */
  readonly newer: bigint | undefined;
}

/** Kinds of records (etcd server/wal). */
const RECORD = { metadata: 1, entry: 2, crc: 4, snapshot: 5 } as const;
/** raftpb.Entry.type of a change; others change who is a member. */
const NORMAL = 0;
/**
 * Fields of etcdserverpb.InternalRaftRequest that say nothing of the content: the head of a request, a request of the v2 store, a
 * user who signs in, and what etcd writes of its own cluster.
 */
const NO_CONTENT: ReadonlySet<number> = new Set([1, 2, 100, 1012, 1300, 1301, 1302]);
/** etcdserverpb.Request.method: an entry with one of these in its field 2 is a request of the v2 store, as etcd 3.4 writes of its own cluster too. */
const V2_METHODS: ReadonlySet<string> = new Set(["GET", "QGET", "HEAD", "PUT", "POST", "DELETE", "SYNC"]);

/**
 * Reads the write-ahead log of a real etcd (`member/wal`), one file after the other, and checks each record. An entry that was written
 * again, as after an election, counts as it was written last. Throws RaftLogError.
 */
export async function readRaftLog(directory: string, from: bigint): Promise<RaftLog> {
  try {
    return await read(directory, from);
  } catch (error) {
    if (error instanceof MessageError) throw new RaftLogError(`a record is damaged: ${error.message}`);
    throw error;
  }
}

async function read(directory: string, from: bigint): Promise<RaftLog> {
  const names = (await readdir(directory)).filter((name) => name.endsWith(".wal")).sort();
  let identity: Buffer | undefined;
  let changes: bigint[] = [];
  let snapshot = 0n;
  let crc = 0;
  for (const [position, name] of names.entries()) {
    for await (const record of recordsOf(join(directory, name), position === names.length - 1)) {
      if (record.type === RECORD.crc) {
        if (crc !== 0 && record.crc !== crc) throw new RaftLogError(`${name} does not follow the file before it`);
        crc = record.crc;
        continue;
      }
      crc = crc32c(crc, record.data);
      if (crc !== record.crc) throw new RaftLogError(`${name} is damaged`);
      if (record.type === RECORD.metadata) identity = readIdentity(record.data);
      if (record.type === RECORD.snapshot) snapshot = readSnapshotIndex(record.data);
      if (record.type !== RECORD.entry) continue;
      const { index, changing } = readEntry(record.data);
      if (index <= (changes.at(-1) ?? 0n)) changes = changes.filter((other) => other < index);
      if (changing && index > from) changes.push(index);
    }
  }
  return { identity, newer: snapshot > from ? snapshot : changes[0] };
}

/** etcdserverpb.Metadata: the member's id and the cluster's are the fields 1 and 2. */
function readIdentity(bytes: Buffer): Buffer {
  const identity = Buffer.alloc(16);
  eachField(bytes, (field, reader) => {
    if (field === 1) identity.writeBigUInt64BE(reader.uint64(), 8);
    else if (field === 2) identity.writeBigUInt64BE(reader.uint64(), 0);
    else return false;
    return true;
  });
  return identity;
}

/** walpb.Snapshot: up to this index the changes are elsewhere; field 1. */
function readSnapshotIndex(bytes: Buffer): bigint {
  let index = 0n;
  eachField(bytes, (field, reader) => {
    if (field !== 1) return false;
    index = reader.uint64();
    return true;
  });
  return index;
}

/** raftpb.Entry: type, index and data are the fields 1, 3 and 4. */
function readEntry(bytes: Buffer): { readonly index: bigint; readonly changing: boolean } {
  let [type, index, data]: [number, bigint, Buffer] = [NORMAL, 0n, Buffer.alloc(0)];
  eachField(bytes, (field, reader) => {
    if (field === 1) type = reader.int32();
    else if (field === 3) index = reader.uint64();
    else if (field === 4) data = reader.bytes();
    else return false;
    return true;
  });
  return { index, changing: type === NORMAL && data.length > 0 && changesContent(data) };
}

/** Whether a request is one of those that a client of the v3 API sees. */
function changesContent(request: Buffer): boolean {
  const reader = new MessageReader(request);
  let changes = false;
  while (reader.pos < reader.end) {
    const tag = reader.tag("InternalRaftRequest");
    if (tag === 0x12 && V2_METHODS.has(reader.bytes().toString("latin1"))) return false;
    if (tag !== 0x12) reader.skip(tag & 7);
    changes ||= !NO_CONTENT.has(tag >>> 3);
  }
  return changes;
}
