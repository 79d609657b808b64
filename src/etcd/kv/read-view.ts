import type { Slices } from "../../base/slices.js";
import type { KeyValue } from "../../gen/etcd/mvccpb/kv.js";
import type { KeyHistory } from "../key-index/key-history.js";
import type { KeyIndex } from "../key-index/key-index.js";
import type { Key, KeyRange } from "../key-index/key-range.js";
import type { Revision } from "../storage/revision.js";

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
  /** The same in slices, whatever is written and compacted between them. */
  rowSlices(range: KeyRange, revision: number, options: RangeOptions): Slices<RowsResult>;
  /** One pair at the view's newest revision. */
  get(key: Key): KeyValue | undefined;
}

/** Reads the bytes of a version. */
export type RowReader = (history: KeyHistory, version: Revision) => Buffer;

/** Everything of a range. */
export const WHOLE: RangeOptions = { limit: 0, countOnly: false };

/** What may be done in one slice, in looks at a key: 6,400 keys that are only counted, or 400 rows of some bytes, which can be on the disk. */
const LOOKS_PER_SLICE = 6_400;
const LOOKS_PER_ROW = 16;
/** Rows of 128 bytes cost another look; a mebibyte makes a slice. */
const ROW_BYTES_SHIFT = 7;

/** The rows of a range at a revision, from index and rows. Between two slices the index may change, but nothing that a reader at `revision` sees may go. */
export function* readRows(index: KeyIndex, readRow: RowReader, range: KeyRange, revision: number, options: RangeOptions): Slices<RowsResult> {
  const rows: Buffer[] = [];
  let count = 0;
  for (let from: Key | undefined = range.start; ; ) {
    let looks = 0;
    let next: Key | undefined;
    index.visit(from === range.start ? range : { start: from, end: range.end, single: false }, (history) => {
      if (looks >= LOOKS_PER_SLICE) {
        next = history.key;
        return false;
      }
      looks += 1;
      const version = history.at(revision);
      if (version === undefined) return true;
      count += 1;
      if (options.countOnly || (options.limit > 0 && rows.length >= options.limit)) return true;
      const row = readRow(history, version);
      looks += LOOKS_PER_ROW + (row.length >> ROW_BYTES_SHIFT);
      rows.push(row);
      return true;
    });
    if (next === undefined) return { rows, count };
    from = next;
    yield;
  }
}
