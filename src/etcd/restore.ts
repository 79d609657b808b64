import { KeyIndex } from "./key-index.js";
import { keyOf } from "./key-range.js";
import { LOG_PREFIX_LENGTH, META, wholeLog } from "./keyspace.js";
import { decodeRevision } from "./revision.js";
import { decodeRow } from "./row.js";
import type { Table } from "./table.js";

/** Rows read at a time. */
const CHUNK_ROWS = 2_000;
/** A fresh store is at revision 1, so that a revision is never 0. */
const FIRST_REVISION = 1;

/** What the log says about the state at the end of the last run. */
export interface RestoredState {
  readonly index: KeyIndex;
  readonly revision: number;
  /** History before is to be forgotten; -1 if it never was compacted. */
  readonly scheduledCompactRevision: number;
  /** History before is forgotten. */
  readonly finishedCompactRevision: number;
}

/** Rebuilds the index by reading the whole log. */
export async function restore(table: Table): Promise<RestoredState> {
  const index = new KeyIndex();
  const finished = compactPoint(table.get(META.finishedCompactRevision));
  const scheduled = Math.max(finished, compactPoint(table.get(META.scheduledCompactRevision)));
  // The newest change may be compacted away, but never was there a revision below a compaction point (etcd issue 17780).
  let revision = Math.max(FIRST_REVISION, scheduled);
  for await (const rows of table.scan(wholeLog(), CHUNK_ROWS)) {
    for (const [key, row] of rows) {
      const { main, sub, tombstone } = decodeRevision(key, LOG_PREFIX_LENGTH);
      const pair = decodeRow(row);
      const history = index.ensure(keyOf(pair.key));
      if (tombstone) history.delete(main, sub);
      else history.put(main, sub, Number(pair.createRevision), Number(pair.version), pair.lease, undefined);
      revision = Math.max(revision, main);
    }
  }
  return { index, revision, scheduledCompactRevision: scheduled, finishedCompactRevision: finished };
}

function compactPoint(value: Buffer | undefined): number {
  return value === undefined ? -1 : decodeRevision(value).main;
}
