import { nextTurn } from "../../base/clock.js";
import { encodeRevision } from "./revision.js";
import type { KeyIndex } from "../key-index/key-index.js";
import type { Key } from "../key-index/key-range.js";
import { logKey, META } from "./keyspace.js";
import type { ReadHolds } from "../kv/read-holds.js";
import type { Table, TableWrite } from "./table.js";

/** Keys looked at, and rows deleted, between two pauses. */
const BATCH = 1_000;

interface Waiter {
  readonly revision: number;
  readonly resolve: () => void;
}

/** What a compactor works on. */
export interface CompactorOptions {
  readonly table: Table;
  readonly index: KeyIndex;
  /** Readers that it waits for. */
  readonly holds: ReadHolds;
  /** Revision of the last compaction that deleted all it freed. */
  readonly finished: number;
  readonly onFailure: (error: Error) => void;
}

/**
 * Deletes in the background what a compaction no longer needs. The index knows which rows those are, so the log is not read.
 * All rows of one key go in one atomic write, the point "finished" is written last: after a crash the pass simply runs again.
 */
export class Compactor {
  readonly #table: Table;
  readonly #index: KeyIndex;
  readonly #holds: ReadHolds;
  readonly #onFailure: (error: Error) => void;
  #wanted = -1;
  #finished = -1;
  #running: Promise<void> | undefined;
  #stopped = false;
  #waiters: Waiter[] = [];

  constructor({ table, index, holds, finished, onFailure }: CompactorOptions) {
    this.#table = table;
    this.#index = index;
    this.#holds = holds;
    this.#finished = finished;
    this.#onFailure = onFailure;
  }

  /** Begins to delete what a compaction at `revision` frees; the point itself must be durable already. */
  schedule(revision: number): void {
    this.#wanted = Math.max(this.#wanted, revision);
    this.#running ??= this.#run();
  }

  /** Resolves when everything freed at `revision` is deleted, or the compactor stopped. */
  finished(revision: number): Promise<void> {
    if (this.#finished >= revision || this.#stopped) return Promise.resolve();
    return new Promise((resolve) => void this.#waiters.push({ revision, resolve }));
  }

  /** Stops at the next pause. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
    for (const waiter of this.#waiters.splice(0)) waiter.resolve();
  }

  async #run(): Promise<void> {
    try {
      while (!this.#stopped && this.#wanted > this.#finished) {
        const revision = this.#wanted;
        if (!(await this.#pass(revision))) return;
        this.#finished = revision;
        const done = this.#waiters.filter((waiter) => waiter.revision <= revision);
        this.#waiters = this.#waiters.filter((waiter) => waiter.revision > revision);
        for (const waiter of done) waiter.resolve();
      }
    } catch (error) {
      this.#stopped = true;
      this.#onFailure(error as Error);
    } finally {
      this.#running = undefined;
    }
  }

  /** One walk over all keys; false if it was stopped. */
  async #pass(revision: number): Promise<boolean> {
    // Whoever reads below that revision began before the compaction; nobody begins any more.
    await this.#holds.free(revision);
    let cursor: Key | undefined = "";
    while (cursor !== undefined) {
      const writes: TableWrite[] = [];
      cursor = this.#sweep(cursor, revision, writes);
      if (writes.length > 0) await this.#table.write(writes, false);
      await nextTurn();
      if (this.#stopped) return false;
    }
    await this.#table.write([{ type: "put", key: META.finishedCompactRevision, value: encodeRevision(revision, 0, false) }], false);
    return true;
  }

  /** Takes one batch of keys; returns where to go on. */
  #sweep(from: Key, revision: number, writes: TableWrite[]): Key | undefined {
    const histories = this.#index.slice(from, BATCH);
    for (const history of histories) {
      for (const { main, sub, tombstone } of history.compact(revision)) writes.push({ type: "del", key: logKey(main, sub, tombstone) });
      if (history.empty) this.#index.remove(history.key);
      if (writes.length >= BATCH) return `${history.key}\0`;
    }
    const last = histories[histories.length - 1];
    return histories.length < BATCH || last === undefined ? undefined : `${last.key}\0`;
  }
}
