import { monotonicClock, nextTurn } from "../../base/clock.js";
import { etcdError } from "../errors.js";
import type { Table, TableWrite } from "./table.js";

/** Entries of one group of writes that one disk write makes durable. */
interface Group {
  readonly writes: TableWrite[];
  bytes: number;
  /** What happens, in this order, once the group is durable. */
  readonly durable: (() => void)[];
  readonly failed: ((error: Error) => void)[];
}

/** A group is closed when it holds so much; LevelDB copies a batch in memory. */
const MAX_GROUP_BYTES = 8 * 1024 * 1024;
/** Answers that may wait; beyond, etcd's own "too many requests". */
const MAX_WAITING = 5_000;
/** Bytes that may wait to be written. */
const MAX_WAITING_BYTES = 128 * 1024 * 1024;

/** What the queue did so far. */
export interface CommitCounters {
  /** Synced writes to the table. */
  readonly diskCommits: number;
  /** Store calls whose effects they made durable. */
  readonly txns: number;
}

/**
 * Group commit: everything that arrives while one synced write is under way shares the next one. Effects become visible and answers
 * go out in the order of arrival, after the write that holds them.
 *
 * Example: A arrives, its write begins; B and C arrive; A is durable, A is answered, the write of B and C begins; both are answered.
 */
export class CommitQueue {
  readonly #table: Table;
  readonly #onFailure: (error: Error) => void;
  readonly #onSync: ((seconds: number) => void) | undefined;
  #open: Group[] = [];
  #waiting = 0;
  #waitingBytes = 0;
  #running = false;
  #failure: Error | undefined;
  #stopped = false;
  #idle: (() => void)[] = [];
  #diskCommits = 0;
  #txns = 0;

  /** `onSync` hears how long each synced write took. */
  constructor(table: Table, onFailure: (error: Error) => void, onSync?: (seconds: number) => void) {
    this.#table = table;
    this.#onFailure = onFailure;
    this.#onSync = onSync;
  }

  /** Answers that wait for the disk. */
  get waiting(): number {
    return this.#waiting;
  }

  get counters(): CommitCounters {
    return { diskCommits: this.#diskCommits, txns: this.#txns };
  }

  /** Throws when nothing more can be taken: the store has stopped, or too much waits. Call it before changing memory. */
  admit(): void {
    if (this.#failure !== undefined || this.#stopped) throw etcdError("stopped", this.#failure);
    if (this.#waiting >= MAX_WAITING || this.#waitingBytes >= MAX_WAITING_BYTES) throw etcdError("tooManyRequests");
  }

  /** Whether everything that was added is durable. */
  get quiet(): boolean {
    return this.#waiting === 0;
  }

  /** Adds writes; `durable` runs when they are. Without writes it runs when all earlier ones are durable. */
  add(writes: readonly TableWrite[], durable: () => void, failed: (error: Error) => void): void {
    const group = this.#groupFor(writes);
    for (const write of writes) {
      group.writes.push(write);
      const bytes = write.key.length + (write.type === "put" ? write.value.length : 0);
      group.bytes += bytes;
      this.#waitingBytes += bytes;
    }
    group.durable.push(durable);
    group.failed.push(failed);
    this.#waiting += 1;
    if (writes.length > 0) this.#txns += 1;
    if (this.#running) return;
    this.#running = true;
    void this.#run();
  }

  /** Takes no more; resolves when what was taken is durable or failed. */
  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#running) await new Promise<void>((resolve) => void this.#idle.push(resolve));
  }

  #groupFor(writes: readonly TableWrite[]): Group {
    const last = this.#open[this.#open.length - 1];
    if (last !== undefined && (writes.length === 0 || last.bytes < MAX_GROUP_BYTES)) return last;
    const group: Group = { writes: [], bytes: 0, durable: [], failed: [] };
    this.#open.push(group);
    return group;
  }

  async #run(): Promise<void> {
    // What the same turn of the event loop brings shares the first write.
    await nextTurn();
    for (let group = this.#open.shift(); group !== undefined; group = this.#open.shift()) {
      try {
        if (this.#failure !== undefined) throw this.#failure;
        if (group.writes.length > 0) {
          const startMs = monotonicClock().nowMs();
          await this.#table.write(group.writes, true);
          this.#onSync?.((monotonicClock().nowMs() - startMs) / 1000);
          this.#diskCommits += 1;
        }
      } catch (error) {
        this.fail(error as Error);
        for (const refuse of group.failed) refuse(etcdError("stopped", error));
        continue;
      }
      this.#waiting -= group.durable.length;
      this.#waitingBytes -= group.bytes;
      for (const publish of group.durable) publish();
    }
    this.#running = false;
    for (const wake of this.#idle.splice(0)) wake();
  }

  /** Memory is now ahead of the disk for good: nothing may be answered from it any more. */
  fail(error: Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#onFailure(error);
  }
}
