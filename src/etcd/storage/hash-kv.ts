import type { Change } from "../watch/change.js";
import { crc32c } from "./crc32c.js";
import { etcdError } from "../errors.js";
import { LOG_PREFIX_LENGTH, logRange } from "./keyspace.js";
import { changeOf, type Store } from "../kv/store.js";

/** Rows hashed at a time. */
const CHUNK_ROWS = 1_000;
/** A compaction that moves its point meanwhile changes what is to be hashed. */
const MAX_ATTEMPTS = 5;

/** The answer of Maintenance.HashKV. */
export interface KvHash {
  readonly hash: number;
  readonly compactRevision: number;
  /** Last hashed revision. */
  readonly revision: number;
}

/**
 * Hash of the revision log up to a revision (0: the current one): CRC-32C over "key" and then key and value of each row, without old rows
 * that a compaction at that revision would drop, whether they are deleted already or not. Equal to etcd's for an equal history.
 *
 * Example: a put at 2, b put at 3, compaction at 3, b deleted at 4. Hashed up to 3 are 2 and 3; up to 4 they are 2 and 4, because 3 is below
 * the point and no longer wanted at 4.
 */
export async function hashKv(store: Store, wanted: number): Promise<KvHash> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const { compactRevision, revision: current } = store;
    if (wanted > 0 && wanted < compactRevision) throw etcdError("compacted");
    if (wanted > current) throw etcdError("futureRevision");
    const revision = wanted > 0 ? wanted : current;
    // Where nothing lives any more, etcd has no list of what to keep and hashes all that is left.
    const counts = store.hasLive(revision) ? (change: Change) => store.isLive(change, revision) : (change: Change) => store.keeps(change, compactRevision);
    let hash = crc32c(0, Buffer.from("key"));
    for await (const rows of store.table.scan(logRange(0, revision), CHUNK_ROWS)) {
      for (const [key, row] of rows) {
        const change = changeOf(key, row);
        if (change.main <= compactRevision && (change.tombstone || !counts(change))) continue;
        hash = crc32c(crc32c(hash, key.subarray(LOG_PREFIX_LENGTH)), row);
      }
    }
    if (store.compactRevision === compactRevision) return { hash, compactRevision, revision };
  }
  throw etcdError("tooManyRequests");
}
