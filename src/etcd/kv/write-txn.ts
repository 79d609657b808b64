import { atOnce, type Slices } from "../../base/slices.js";
import type { KeyValue } from "../../gen/etcd/mvccpb/kv.js";
import { Change } from "../watch/change.js";
import type { KeyHistory } from "../key-index/key-history.js";
import { keyBytes, type Key, type KeyRange } from "../key-index/key-range.js";
import type { KeyIndex } from "../key-index/key-index.js";
import { logKey } from "../storage/keyspace.js";
import { type RangeOptions, readRows, type ReadView, type RowsResult } from "./read-view.js";
import type { Revision } from "../storage/revision.js";
import { decodeRow, encodeRow, encodeTombstone } from "../storage/row.js";
import type { Rows } from "../storage/rows.js";
import type { TableWrite } from "../storage/table.js";

/** Who knows which key hangs on which lease. */
export interface LeaseAttachments {
  /** A key leaves one lease and joins another; 0 is none. */
  move(key: Key, from: bigint, to: bigint): void;
}

/** What a write transaction works on. */
export interface WriteTxnBase {
  readonly index: KeyIndex;
  readonly rows: Rows;
  readonly leases: LeaseAttachments;
  /** Newest revision before the transaction. */
  readonly revision: number;
  readonly compactRevision: number;
}

/**
 * One transaction on the newest state, durable or not. All its changes get the one revision after `revision`, and sub-revisions
 * 0, 1, 2 ... in the order of execution. Changes cannot be taken back: validate everything before the first one.
 */
export class WriteTxn implements ReadView {
  readonly #base: WriteTxnBase;
  readonly #changes: Change[] = [];
  readonly #writes: TableWrite[] = [];

  constructor(base: WriteTxnBase) {
    this.#base = base;
  }

  /** The changes so far. */
  get changes(): readonly Change[] {
    return this.#changes;
  }

  /** What is to be written to the table. */
  get writes(): readonly TableWrite[] {
    return this.#writes;
  }

  /** The revision that a reader of this transaction sees: the new one as soon as something changed. */
  get revision(): number {
    return this.#changes.length === 0 ? this.#base.revision : this.#base.revision + 1;
  }

  /** The revision before the transaction. */
  get baseRevision(): number {
    return this.#base.revision;
  }

  get compactRevision(): number {
    return this.#base.compactRevision;
  }

  rows(range: KeyRange, revision: number, options: RangeOptions): RowsResult {
    return atOnce(this.rowSlices(range, revision, options));
  }

  rowSlices(range: KeyRange, revision: number, options: RangeOptions): Slices<RowsResult> {
    return readRows(this.#base.index, this.#readRow, range, revision, options);
  }

  get(key: Key): KeyValue | undefined {
    const history = this.#base.index.get(key);
    return history?.live ? decodeRow(this.#newestRow(history)) : undefined;
  }

  /** Creates or overwrites a key. */
  put(key: Key, value: Buffer, lease: bigint): void {
    const main = this.#base.revision + 1;
    const history = this.#base.index.ensure(key);
    const created = history.live ? history.createRevision : main;
    const version = history.version + 1;
    const row = encodeRow({ key: keyBytes(key), createRevision: created, modRevision: main, version, value, lease });
    // A key that this very revision deleted is new to watchers, as in etcd, whatever was before.
    const sub = this.#record(history, false, row, created === main ? null : this.#previousRow(history));
    if (history.lease !== lease) this.#base.leases.move(key, history.lease, lease);
    history.put(main, sub, created, version, lease);
  }

  /** Deletes what lives in a range; returns the deleted pairs, or only their number. */
  delete(range: KeyRange, wantPairs: boolean): { readonly count: number; readonly pairs: KeyValue[] } {
    const doomed: KeyHistory[] = [];
    this.#base.index.visit(range, (history) => {
      if (history.live) doomed.push(history);
      return true;
    });
    const pairs = wantPairs ? doomed.map((history) => decodeRow(this.#newestRow(history))) : [];
    for (const history of doomed) {
      const sub = this.#record(history, true, encodeTombstone(keyBytes(history.key)), this.#previousRow(history));
      if (history.lease !== 0n) this.#base.leases.move(history.key, history.lease, 0n);
      history.delete(this.#base.revision + 1, sub);
    }
    return { count: doomed.length, pairs };
  }

  /** Adds a write that is no change of a key: a lease, a compaction point. */
  alsoWrite(write: TableWrite): void {
    this.#writes.push(write);
  }

  #record(history: KeyHistory, tombstone: boolean, row: Buffer, previous: Buffer | null | undefined): number {
    const main = this.#base.revision + 1;
    const sub = this.#changes.length;
    this.#changes.push(new Change(history.key, main, sub, tombstone, row, previous));
    this.#writes.push({ type: "put", key: logKey(main, sub, tombstone), value: row });
    this.#base.rows.outdate(history);
    return sub;
  }

  /** The row watchers get as prev_kv, if it is at hand: null for none, undefined where it must be looked up. */
  #previousRow(history: KeyHistory): Buffer | null | undefined {
    // A key changed twice in one revision (by sibling nested transactions) has its previous state before the first change.
    if (history.modRevision > this.#base.revision) return undefined;
    return history.live ? this.#base.rows.peek(history) : null;
  }

  #newestRow(history: KeyHistory): Buffer {
    return this.#readRow(history, { main: history.modRevision, sub: history.modSub });
  }

  /** What this transaction itself changed has its rows nowhere else yet. */
  readonly #readRow = (history: KeyHistory, version: Revision): Buffer =>
    version.main > this.#base.revision ? (this.#changes[version.sub] as Change).row : this.#base.rows.read(history, version);
}
