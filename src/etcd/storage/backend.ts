import type { BoltBucket } from "../bolt/image.js";
import { crc32c } from "./crc32c.js";
import { BUCKET_KINDS, KIND_LENGTH, kindRange, META } from "./keyspace.js";
import type { Member } from "../member/member.js";
import type { TableSnapshot } from "./table.js";

const CHUNK_ROWS = 256;
/** Rows of `meta` that say how far raft is and not what is stored. */
const OUTSIDE_HASH: ReadonlySet<string> = new Set(["consistent_index", "term", "confState"]);

/** What etcd's database says about the member besides the content. */
export interface BackendFacts {
  readonly member: Member;
  readonly clientUrls: readonly string[];
  /** `3.5.0` for a member of 3.5. */
  readonly clusterVersion: string;
  /** Stands for the index of raft's log. */
  readonly raftIndex: bigint;
}

/**
 * etcd's database as it would be with this content: its buckets, in order of their names, read from a snapshot of the table.
 * Source: etcd server/storage/schema.
 */
export async function backendBuckets(snapshot: TableSnapshot, facts: BackendFacts): Promise<BoltBucket[]> {
  const { member } = facts;
  const meta = await readMeta(snapshot);
  const compaction = (["finishedCompactRevision", "scheduledCompactRevision"] as const).flatMap((name) => {
    const value = meta.get(META[name].toString("latin1"));
    return value === undefined ? [] : [[META[name].subarray(KIND_LENGTH).toString("latin1"), value] as const];
  });
  const downgrade = meta.get(META.downgrade.toString("latin1"));
  const buckets = [
    ...Object.entries(BUCKET_KINDS).map(([name, kind]) => kindBucket(snapshot, name, kind)),
    fixedBucket("cluster", [["clusterVersion", Buffer.from(facts.clusterVersion)], ...(downgrade === undefined ? [] : [["downgrade", downgrade] as const])]),
    fixedBucket("members", [[hexId(member.id), Buffer.from(describe(facts))]]),
    fixedBucket("members_removed", []),
    fixedBucket("meta", [
      ["confState", Buffer.from(`{"voters":[${member.id}],"auto_leave":false}`)],
      ["consistent_index", uint64(facts.raftIndex)],
      ...compaction,
      ["term", uint64(member.term)],
    ]),
  ];
  return buckets.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Hash of everything stored (Maintenance.Hash): CRC-32C over the name of each bucket and its rows. */
export async function hashBackend(buckets: readonly BoltBucket[]): Promise<number> {
  let hash = 0;
  for (const bucket of buckets) {
    hash = crc32c(hash, Buffer.from(bucket.name));
    for await (const rows of bucket.rows()) {
      for (const [key, value] of rows) if (bucket.name !== "meta" || !OUTSIDE_HASH.has(key.toString("latin1"))) hash = crc32c(crc32c(hash, key), value);
    }
  }
  return hash;
}

function kindBucket(snapshot: TableSnapshot, name: string, kind: string): BoltBucket {
  return {
    name,
    async *rows() {
      for await (const rows of snapshot.scan(kindRange(kind), CHUNK_ROWS)) yield rows.map(([key, value]) => [key.subarray(KIND_LENGTH), value] as const);
    },
  };
}

function fixedBucket(name: string, rows: readonly (readonly [string, Buffer])[]): BoltBucket {
  const sorted = rows.map(([key, value]) => [Buffer.from(key, "latin1"), value] as const).sort(([a], [b]) => Buffer.compare(a, b));
  return {
    name,
    async *rows() {
      await Promise.resolve();
      yield sorted;
    },
  };
}

async function readMeta(snapshot: TableSnapshot): Promise<Map<string, Buffer>> {
  const meta = new Map<string, Buffer>();
  for await (const rows of snapshot.scan(kindRange("m"), CHUNK_ROWS)) for (const [key, value] of rows) meta.set(key.toString("latin1"), value);
  return meta;
}

/** As etcd's JSON of a member; its id is larger than what JSON.stringify takes for a number. */
function describe({ member, clientUrls }: BackendFacts): string {
  const { name, peerURLs } = member.describe([]);
  return `{"id":${member.id},"peerURLs":${JSON.stringify(peerURLs)},"name":${JSON.stringify(name)},"clientURLs":${JSON.stringify(clientUrls)}}`;
}

function hexId(id: bigint): string {
  return id.toString(16).padStart(16, "0");
}

function uint64(value: bigint): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeBigUInt64BE(value);
  return bytes;
}
