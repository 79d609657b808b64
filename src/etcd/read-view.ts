import type { KeyValue } from "../gen/etcd/mvccpb/kv.js";
import type { KeyHistory } from "./key-history.js";
import type { KeyIndex } from "./key-index.js";
import type { Key, KeyRange } from "./key-range.js";
import type { Revision } from "./revision.js";

/** How much of a range is wanted. */
export interface RangeOptions {
  /** At most so many pairs; 0 for all. */
  readonly limit: number;
  /** Only count. */
  readonly countOnly: boolean;
}

/** What a range holds at a revision. */
export interface RowsResult {
  readonly rows: readonly Buffer[];
  /** All keys of the range, whatever the limit. */
  readonly count: number;
}

/** A state of the store that does not change while it is looked at. */
export interface ReadView {
  /** Newest revision of the view. */
  readonly revision: number;
  /** Revisions below are gone; -1 if none is. */
  readonly compactRevision: number;
  /** Pairs of a range in key order at a revision between the two, each as its row in the log. */
  rows(range: KeyRange, revision: number, options: RangeOptions): RowsResult;
  /** One pair at the view's newest revision. */
  get(key: Key): KeyValue | undefined;
}

/** Reads the bytes of a version. */
export type RowReader = (history: KeyHistory, version: Revision) => Buffer;

/** Everything of a range. */
export const WHOLE: RangeOptions = { limit: 0, countOnly: false };

/** The rows of a range at a revision, from index and rows. */
export function readRows(index: KeyIndex, readRow: RowReader, range: KeyRange, revision: number, options: RangeOptions): RowsResult {
  const rows: Buffer[] = [];
  let count = 0;
  index.visit(range, (history) => {
    const version = history.at(revision);
    if (version === undefined) return true;
    count += 1;
    if (!options.countOnly && (options.limit <= 0 || rows.length < options.limit)) rows.push(readRow(history, version));
    return true;
  });
  return { rows, count };
}
