import { atOnce, type Slices } from "../../base/slices.js";
import type { Logger } from "../../base/log.js";
import type { KeyValue } from "../../gen/etcd/mvccpb/kv.js";
import { Change, type Commit } from "../watch/change.js";
import { type CommitCounters, CommitQueue } from "../storage/commit-queue.js";
import type { CheckpointStore } from "../storage/checkpoint-store.js";
import { Checkpointer, type CheckpointedState } from "../storage/checkpointer.js";
import { Compactor } from "../storage/compactor.js";
import { etcdError } from "../errors.js";
import type { KeyIndex } from "../key-index/key-index.js";
import { keyOf, type Key, type KeyRange } from "../key-index/key-range.js";
import { LOG_PREFIX_LENGTH, logRange, META } from "../storage/keyspace.js";
import { ReadHolds } from "./read-holds.js";
import { type RangeOptions, readRows, type ReadView, type RowsResult } from "./read-view.js";
import { restore } from "../storage/restore.js";
import { decodeRevision, encodeRevision } from "../storage/revision.js";
import { decodeRow } from "../storage/row.js";
import { Rows } from "../storage/rows.js";
import type { Table, TableWrite } from "../storage/table.js";
import { type LeaseAttachments, WriteTxn } from "./write-txn.js";

/** What a store needs besides its table. */
export interface StoreOptions {
  /** Called once when a write failed: the store answers nothing any more and its owner has to stop. */
  readonly onFailure: (error: Error) => void;
  /** Hears how long each synced write took. */
  readonly onSync?: (seconds: number) => void;
  /** Bytes of newest rows kept in memory; others are read from the table. 128 MiB when absent. */
  readonly cacheBytes?: number;
  /** Where the index is saved now and then; without, every start reads the whole log. */
  readonly checkpoints?: CheckpointStore | undefined;
  readonly log?: Logger | undefined;
}

const EVERYTHING: KeyRange = { start: "", end: undefined, single: false };
const DEFAULT_CACHE_BYTES = 128 * 1024 * 1024;

/**
 * Every change ever made, by revision (etcd's mvcc store). One sequencer changes memory, one group commit makes it durable, and
 * only then is it visible: `revision` moves on, subscribers hear of it, writers get their answers, in this order.
 */
export class Store implements ReadView {
  readonly table: Table;
  readonly #index: KeyIndex;
  readonly #commits: CommitQueue;
  readonly #compactor: Compactor;
  readonly #subscribers = new Set<(commit: Commit) => void>();
  readonly #rows: Rows;
  readonly #holds = new ReadHolds();
  readonly #checkpointer: Checkpointer | undefined;
  #leases: LeaseAttachments = { move: () => undefined };
  /** Newest durable revision, the one readers see. */
  #revision: number;
  /** Newest revision given away. */
  #nextBase: number;
  #compactRevision: number;
  #nextCompactRevision: number;
  /** Durable changes that took no revision, all of them and those that are on disk. */
  #nextUnnumbered: number;
  #unnumbered: number;
  #failed = false;

  private constructor(table: Table, state: Awaited<ReturnType<typeof restore>>, options: StoreOptions) {
    this.table = table;
    this.#index = state.index;
    this.#revision = this.#nextBase = state.revision;
    this.#compactRevision = this.#nextCompactRevision = state.scheduledCompactRevision;
    const unnumbered = table.get(META.unnumbered);
    this.#unnumbered = this.#nextUnnumbered = unnumbered === undefined ? 0 : Number(unnumbered.readBigUInt64BE(0));
    this.#rows = new Rows(table, options.cacheBytes ?? DEFAULT_CACHE_BYTES);
    const onFailure = (error: Error): void => {
      this.#failed = true;
      options.onFailure(error);
    };
    this.#commits = new CommitQueue(table, onFailure, options.onSync);
    this.#compactor = new Compactor({ table, index: state.index, holds: this.#holds, finished: state.finishedCompactRevision, onFailure });
    if (options.checkpoints !== undefined) this.#checkpointer = new Checkpointer(options.checkpoints, this.#checkpointed(), state.checkpointRevision, options.log);
    if (state.scheduledCompactRevision > state.finishedCompactRevision) this.#compactor.schedule(state.scheduledCompactRevision);
  }

  /** Rebuilds the index from a checkpoint and the log, and resumes a compaction that was under way. */
  static async open(table: Table, options: StoreOptions): Promise<Store> {
    const state = await restore(table, options.checkpoints);
    if (state.refusal !== undefined && state.revision > 1) options.log?.info({ reason: state.refusal }, "the etcd index was read from the whole log");
    return new Store(table, state, options);
  }

  get revision(): number {
    return this.#revision;
  }

  get compactRevision(): number {
    return this.#compactRevision;
  }

  /**
   * How many changes of any kind are durable: revisions and what takes none, such as a lease that begins. What would be raft's index grows
   * with each, and over restarts.
   */
  get proposals(): number {
    return this.#revision + this.#unnumbered;
  }

  /** Calls whose effects are not durable yet. */
  get pending(): number {
    return this.#commits.waiting;
  }

  get counters(): CommitCounters {
    return this.#commits.counters;
  }

  rows(range: KeyRange, revision: number, options: RangeOptions): RowsResult {
    return atOnce(readRows(this.#index, this.#rows.read, range, revision, options));
  }

  *rowSlices(range: KeyRange, revision: number, options: RangeOptions): Slices<RowsResult> {
    const reading = readRows(this.#index, this.#rows.read, range, revision, options);
    const first = reading.next();
    if (first.done === true) return first.value;
    const release = this.#holds.take(revision);
    try {
      yield;
      return yield* reading;
    } finally {
      release();
    }
  }

  get(key: Key): KeyValue | undefined {
    const history = this.#index.get(key);
    const version = history?.at(this.#revision);
    return history === undefined || version === undefined ? undefined : decodeRow(this.#rows.read(history, version));
  }

  /** Tells `attachments` of every key that changes its lease from now on, and of the attachments there are. */
  attach(attachments: LeaseAttachments): void {
    this.#leases = attachments;
    this.#index.visit(EVERYTHING, (history) => {
      if (history.lease !== 0n) attachments.move(history.key, 0n, history.lease);
      return true;
    });
  }

  /**
   * Runs `apply` on the newest state and resolves with its result once everything it saw and changed is durable. If it throws, it
   * must have changed nothing; the promise rejects with the same error.
   */
  write<T>(apply: (txn: WriteTxn) => T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#commits.admit();
      const txn = new WriteTxn({ index: this.#index, rows: this.#rows, leases: this.#leases, revision: this.#nextBase, compactRevision: this.#nextCompactRevision });
      const result = this.#apply(txn, apply);
      if (txn.writes.length === 0 && this.#commits.quiet) {
        resolve(result);
        return;
      }
      const { changes } = txn;
      if (changes.length > 0) {
        this.#nextBase += 1;
        this.#rows.hold(this.#nextBase, changes);
      } else if (txn.writes.length > 0) txn.alsoWrite(this.#countUnnumbered());
      const unnumbered = this.#nextUnnumbered;
      this.#commits.add(
        txn.writes,
        () => {
          this.#unnumbered = unnumbered;
          if (changes.length > 0) this.#publish(changes);
          resolve(result);
        },
        reject,
      );
    });
  }

  #countUnnumbered(): TableWrite {
    this.#nextUnnumbered += 1;
    const value = Buffer.allocUnsafe(8);
    value.writeBigUInt64BE(BigInt(this.#nextUnnumbered));
    return { type: "put", key: META.unnumbered, value };
  }

  #apply<T>(txn: WriteTxn, apply: (txn: WriteTxn) => T): T {
    try {
      return apply(txn);
    } catch (error) {
      // A transaction cannot be undone in memory; one that broke halfway must not be answered from.
      if (txn.changes.length > 0) this.#commits.fail(error as Error);
      throw error;
    }
  }

  /** Calls `listener` for each revision as it becomes visible; returns how to stop. */
  subscribe(listener: (commit: Commit) => void): () => void {
    this.#subscribers.add(listener);
    return () => void this.#subscribers.delete(listener);
  }

  /**
   * Forgets history before `revision`. Resolves when the point is durable, with `physical` when the rows are deleted.
   * Throws etcd's errors for a revision that is compacted already or in the future.
   */
  async compact(revision: number, physical: boolean): Promise<void> {
    await this.write((txn) => {
      if (revision <= this.#nextCompactRevision) throw etcdError("compacted");
      if (revision > txn.baseRevision) throw etcdError("futureRevision");
      this.#nextCompactRevision = revision;
      txn.alsoWrite({ type: "put", key: META.scheduledCompactRevision, value: encodeRevision(revision, 0, false) });
    });
    // Several points may have become durable together; the answers come in order, so the last one wins.
    this.#compactRevision = Math.max(this.#compactRevision, revision);
    this.#compactor.schedule(revision);
    if (physical) await this.#compactor.finished(revision);
  }

  /** The row a key had before a change; undefined if it did not exist or is compacted. */
  readonly previousRow = (change: Change): Buffer | undefined => {
    const before = change.main - 1;
    if (before < this.#compactRevision) return undefined;
    const history = this.#index.get(change.key);
    const version = history?.at(before);
    return history === undefined || version === undefined ? undefined : this.#rows.read(history, version);
  };

  /** Visible changes from revision `from` on, whole revisions in order, read from the log in chunks of about `chunkRows`. */
  async *log(from: number, chunkRows: number): AsyncGenerator<readonly Commit[], void> {
    let open: Change[] = [];
    for await (const rows of this.table.scan(logRange(from, this.#revision), chunkRows)) {
      const commits: Commit[] = [];
      for (const [key, row] of rows) {
        const change = changeOf(key, row);
        if (open[0] !== undefined && open[0].main !== change.main) {
          commits.push({ revision: open[0].main, changes: open });
          open = [];
        }
        open.push(change);
      }
      if (commits.length > 0) yield commits;
    }
    if (open[0] !== undefined) yield [{ revision: open[0].main, changes: open }];
  }

  /** Whether a compaction at `revision` keeps a row of the log. */
  keeps(change: Change, revision: number): boolean {
    return change.main > revision || (this.#index.get(change.key)?.keeps(change.main, change.sub, revision) ?? false);
  }

  /** Whether a row is what a reader at `revision` sees of its key. */
  isLive(change: Change, revision: number): boolean {
    const version = this.#index.get(change.key)?.at(revision);
    return version?.main === change.main && version.sub === change.sub;
  }

  /** How many keys exist now. */
  countKeys(): number {
    let count = 0;
    this.#index.visit(EVERYTHING, (history) => {
      if (history.at(this.#revision) !== undefined) count += 1;
      return true;
    });
    return count;
  }

  /** Whether any key exists at a revision. */
  hasLive(revision: number): boolean {
    let found = false;
    this.#index.visit(EVERYTHING, (history) => {
      found = history.at(revision) !== undefined;
      return !found;
    });
    return found;
  }

  /** Resolves when all that was taken is durable and nothing runs in the background any more. */
  async close(): Promise<void> {
    await this.#commits.stop();
    await this.#compactor.stop();
    await (this.#failed ? this.#checkpointer?.abandon() : this.#checkpointer?.close());
  }

  #publish(changes: readonly Change[]): void {
    const { main } = changes[0] as Change;
    this.#revision = main;
    this.#rows.release(main, this.#index);
    const commit: Commit = { revision: main, changes };
    for (const listener of this.#subscribers) listener(commit);
    this.#checkpointer?.consider();
  }

  #checkpointed(): CheckpointedState {
    const newestRevision = (): number => this.#nextBase;
    const newestCompactRevision = (): number => this.#nextCompactRevision;
    const revision = (): number => this.#revision;
    return {
      table: this.table,
      index: this.#index,
      get revision() {
        return revision();
      },
      get newestRevision() {
        return newestRevision();
      },
      get newestCompactRevision() {
        return newestCompactRevision();
      },
      settled: () => (this.#commits.quiet ? Promise.resolve() : new Promise((resolve, reject) => this.#commits.add([], resolve, reject))),
    };
  }
}

/** The change a row of the log describes. */
export function changeOf(key: Buffer, row: Buffer): Change {
  const { main, sub, tombstone } = decodeRevision(key, LOG_PREFIX_LENGTH);
  const { key: name, createRevision } = decodeRow(row);
  return new Change(keyOf(name), main, sub, tombstone, row, createRevision === BigInt(main) ? null : undefined);
}
