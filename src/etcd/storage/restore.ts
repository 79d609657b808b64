import { markOf } from "./checkpointer.js";
import type { CheckpointStore } from "./checkpoint-store.js";
import { DataDirectoryError } from "../errors.js";
import { CheckpointRefused, readCheckpoint } from "./index-checkpoint.js";
import { KeyIndex } from "../key-index/key-index.js";
import { LOG_PREFIX_LENGTH, logRange, META, wholeLog } from "./keyspace.js";
import { decodeRevision } from "./revision.js";
import { FactsReader } from "./row-facts.js";
import type { Table, TableRange } from "./table.js";

/** Rows read at a time. */
const CHUNK_ROWS = 5_000;
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
  /** Revision of the checkpoint that was used; 0 if the whole log was read. */
  readonly checkpointRevision: number;
  /** Why a checkpoint was not used; undefined if it was or if there was none to ask. */
  readonly refusal: string | undefined;
}

/** The compaction points, and the revision from which on there is no hole in the log. */
interface Points {
  readonly finished: number;
  readonly scheduled: number;
  readonly solidFrom: number;
}

/**
 * Rebuilds the index: from a checkpoint and the log after it, or, where there is none that fits, from the whole log. Throws
 * DataDirectoryError when the log has lost a revision.
 */
export async function restore(table: Table, checkpoints?: CheckpointStore): Promise<RestoredState> {
  const finished = revisionOf(table.get(META.finishedCompactRevision));
  const scheduled = Math.max(finished, revisionOf(table.get(META.scheduledCompactRevision)));
  const points = { finished, scheduled, solidFrom: Math.max(FIRST_REVISION, scheduled, revisionOf(table.get(META.importedRevision))) };
  let refusal: string | undefined;
  if (checkpoints !== undefined) {
    try {
      return await fromCheckpoint(table, checkpoints, points);
    } catch (error) {
      if (error instanceof DataDirectoryError) throw error;
      refusal = (error as Error).message;
    }
  }
  const index = new KeyIndex();
  const revision = await readLog(table, index, wholeLog(), points, 0);
  // The newest change may be compacted away, but never was there a revision below a compaction point (etcd issue 17780).
  return { index, revision: Math.max(FIRST_REVISION, scheduled, revision), scheduledCompactRevision: scheduled, finishedCompactRevision: finished, checkpointRevision: 0, refusal };
}

async function fromCheckpoint(table: Table, checkpoints: CheckpointStore, points: Points): Promise<RestoredState> {
  const index = new KeyIndex();
  const end = await readCheckpoint(checkpoints.load(), index);
  if (points.scheduled > end.revision) throw new CheckpointRefused("history was compacted beyond it");
  if ((await markOf(table, end.upTo)) !== end.mark) throw new CheckpointRefused("it belongs to another log");
  if (points.finished >= 0) forget(index, points.finished);
  const revision = await readLog(table, index, logRange(end.revision + 1, Number.MAX_SAFE_INTEGER - 1), points, end.revision);
  if (revision < end.upTo) throw new CheckpointRefused("the log is older");
  return { index, revision, scheduledCompactRevision: points.scheduled, finishedCompactRevision: points.finished, checkpointRevision: end.revision, refusal: undefined };
}

/** Adds rows of the log to the index; returns the newest revision, `from` if there is none. */
async function readLog(table: Table, index: KeyIndex, range: TableRange, points: Points, from: number): Promise<number> {
  const facts = new FactsReader();
  let revision = from;
  for await (const rows of table.scan(range, CHUNK_ROWS)) {
    for (const [key, row] of rows) {
      const { main, sub, tombstone } = decodeRevision(key, LOG_PREFIX_LENGTH);
      if (main > Math.max(revision, points.solidFrom) + 1) throw new DataDirectoryError(`the database is damaged: its log goes from revision ${Math.max(revision, points.solidFrom)} to ${main}; restore it from a snapshot`);
      const { key: name, createRevision, version, lease } = facts.read(row);
      const history = index.ensure(name);
      if (tombstone) history.delete(main, sub);
      else history.put(main, sub, createRevision, version, lease);
      revision = main;
    }
  }
  return revision;
}

/** Takes out what a compaction deleted since the checkpoint. */
function forget(index: KeyIndex, compactRevision: number): void {
  const gone: string[] = [];
  index.visit({ start: "", end: undefined, single: false }, (history) => {
    history.compact(compactRevision);
    if (history.empty) gone.push(history.key);
    return true;
  });
  for (const key of gone) index.remove(key);
}

function revisionOf(value: Buffer | undefined): number {
  return value === undefined ? -1 : decodeRevision(value).main;
}
