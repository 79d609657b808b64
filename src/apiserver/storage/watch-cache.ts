import type { Clock } from "../../base/clock.js";
import type { Logger } from "../../base/log.js";
import { Ahead } from "./ahead.js";
import { type Backend, CompactedError, type Row, type RowBatch, type RowEvent, type SwapResult } from "./backend.js";
import { Stored, type StoredText } from "./stored.js";

/** One change of one object. `object` is what it became; for DELETED what it was, at the deleting revision. */
export interface ObjectEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly key: string;
  readonly revision: number;
  readonly object: Stored;
  /** What it was before; selectors need it to see an object leave. */
  readonly previous?: Stored;
}

/** What is being written to a key. */
export interface Write {
  readonly key: string;
  readonly text: StoredText;
}

/** Gets every event of one prefix, in order. `onLost` says that history is broken: list again. */
export interface Subscriber {
  onEvent(event: ObjectEvent): void;
  onLost(): void;
}

/** How many changes each prefix remembers for watches that start in the past. */
const HISTORY_LIMIT = 4096;
/** Rows read at a time. */
const LIST_PAGE = 1_000;
const RETRY_MIN_MS = 50;
const RETRY_MAX_MS = 5_000;

/**
 * Objects under one prefix, as of the last revision seen, and their newest changes.
 *
 * Example: puts at 5 and 7 and a delete at 9 of one key; `since(5)` gives MODIFIED@7, DELETED@9; after a restart at 9
 * `since(5)` is undefined, because what happened before the first list is only in etcd.
 */
export class Shelf {
  readonly prefix: string;
  readonly objects = new Map<string, Stored>();
  readonly subscribers = new Set<Subscriber>();
  #history: ObjectEvent[] = [];
  /** Every change after this revision is in the history. */
  #completeAfter = 0;

  constructor(prefix: string) {
    this.prefix = prefix;
  }

  reset(revision: number): void {
    this.objects.clear();
    this.#history = [];
    this.#completeAfter = revision;
  }

  apply(event: ObjectEvent): void {
    if (event.type === "DELETED") this.objects.delete(event.key);
    else this.objects.set(event.key, event.object);
    this.#history.push(event);
    if (this.#history.length > HISTORY_LIMIT * 2) {
      const dropped = this.#history.splice(0, HISTORY_LIMIT);
      this.#completeAfter = dropped.at(-1)!.revision;
    }
    for (const subscriber of this.subscribers) subscriber.onEvent(event);
  }

  /** The changes after `revision`, or undefined when they are no longer all here. */
  since(revision: number): readonly ObjectEvent[] | undefined {
    if (revision < this.#completeAfter) return undefined;
    let low = 0;
    let high = this.#history.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#history[middle]!.revision <= revision) low = middle + 1;
      else high = middle;
    }
    return this.#history.slice(low);
  }
}

/**
 * All of `/registry/` in memory, kept fresh by one etcd watch, so that a write needs no read before it.
 *
 * One watch serves every kind, hence its revision moves with any of them. Own writes are visible at once through
 * `ahead`, before the watch brings them back.
 */
export class WatchCache {
  readonly #backend: Backend;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #root: string;
  readonly #shelves: readonly Shelf[];
  readonly #ahead = new Ahead();
  readonly #stop = new AbortController();
  readonly #waiters = new Set<{ readonly revision: number; readonly done: () => void }>();
  #revision = 0;
  #running: Promise<void> | undefined;

  constructor(options: { backend: Backend; clock: Clock; log: Logger; root: string; prefixes: readonly string[] }) {
    this.#backend = options.backend;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#root = options.root;
    this.#shelves = options.prefixes.map((prefix) => new Shelf(prefix));
  }

  /** The revision up to which the cache is complete. */
  get revision(): number {
    return this.#revision;
  }

  shelf(prefix: string): Shelf {
    const shelf = this.#shelves.find((candidate) => candidate.prefix === prefix);
    if (!shelf) throw new Error(`no shelf for ${prefix}`);
    return shelf;
  }

  /** Fills the cache and keeps it fresh until `stop`. */
  async start(): Promise<void> {
    await this.#list();
    this.#running = this.#follow();
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error("the API server is closing"));
    await this.#running;
  }

  /** The newest this server knows of a key: its own writes count before the watch brings them. */
  get(prefix: string, key: string): Stored | undefined {
    const ahead = this.#ahead.newest(key);
    if (ahead) return ahead.object;
    return this.shelf(prefix).objects.get(key);
  }

  /** The newest this server knows under a part of a shelf, such as one namespace; its own writes count at once. */
  *under(prefix: string, part: string): Iterable<Stored> {
    for (const [key, stored] of this.shelf(prefix).objects) if (key.startsWith(part) && !this.#ahead.newest(key)) yield stored;
    yield* this.#ahead.under(part);
  }

  /** Remembers what a Txn or a Range just said of a key, unless the watch has been there already. */
  learn(key: string, revision: number, object?: Stored): void {
    if (revision > this.#revision) this.#ahead.learn(key, object ? { revision, object } : { revision });
  }

  /** Does the Txn of some writes. They are known at once, and for what they are should the watch bring them before the store has answered. */
  async write(writes: readonly Write[], txn: () => Promise<SwapResult>): Promise<SwapResult> {
    for (const { key, text } of writes) this.#ahead.writing(key, text);
    try {
      const result = await txn();
      if (result.succeeded) for (const { key, text } of writes) this.learn(key, result.revision, text.at(key, result.revision));
      return result;
    } finally {
      for (const { key, text } of writes) this.#ahead.answered(key, text);
    }
  }

  /** Resolves when the cache has seen `revision`, or after `timeoutMs`; true when it has. */
  waitFor(revision: number, timeoutMs: number): Promise<boolean> {
    if (this.#revision >= revision) return Promise.resolve(true);
    return new Promise((resolve) => {
      const waiter = {
        revision,
        done: () => {
          timer.cancel();
          this.#waiters.delete(waiter);
          resolve(true);
        },
      };
      const timer = this.#clock.timer(timeoutMs, () => {
        this.#waiters.delete(waiter);
        resolve(false);
      });
      this.#waiters.add(waiter);
    });
  }

  #shelfOf(key: string): Shelf | undefined {
    return this.#shelves.find((shelf) => key.startsWith(shelf.prefix));
  }

  /** All rows of one revision, a page at a time. */
  async #readAll(): Promise<{ readonly revision: number; readonly rows: readonly Row[] }> {
    const first = await this.#backend.range({ prefix: this.#root, limit: LIST_PAGE });
    const rows = [...first.rows];
    for (let page = first; page.more; ) {
      page = await this.#backend.range({ prefix: this.#root, from: `${rows.at(-1)!.key}\0`, limit: LIST_PAGE, revision: first.revision });
      rows.push(...page.rows);
    }
    return { revision: first.revision, rows };
  }

  async #list(): Promise<void> {
    const { revision, rows } = await this.#readAll();
    for (const shelf of this.#shelves) {
      shelf.reset(revision);
      for (const subscriber of shelf.subscribers) subscriber.onLost();
    }
    for (const row of rows) {
      const object = this.#read(row);
      if (object) this.#shelfOf(row.key)?.objects.set(row.key, object);
    }
    this.#advance(revision);
  }

  /** A row that is no JSON object is skipped and named: it was not written by an API server of this kind. */
  #read(row: Row): Stored | undefined {
    try {
      return this.#ahead.objectOf(row) ?? Stored.fromRow(row);
    } catch (error) {
      this.#log.warn({ key: row.key, err: error }, "skipping a key that holds no object");
      return undefined;
    }
  }

  async #follow(): Promise<void> {
    let retryMs = RETRY_MIN_MS;
    while (!this.#stop.signal.aborted) {
      try {
        for await (const batch of this.#backend.watch(this.#root, this.#revision + 1, this.#stop.signal)) {
          retryMs = RETRY_MIN_MS;
          this.#applyAll(batch);
        }
        if (this.#stop.signal.aborted) return;
        this.#log.warn({}, "the watch of the store ended; starting it again");
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        if (error instanceof CompactedError) {
          this.#log.warn({ compactRevision: error.compactRevision }, "the watch of the store fell behind a compaction; listing again");
          await this.#list().catch((again: unknown) => this.#log.warn({ err: again }, "listing the store failed"));
          continue;
        }
        this.#log.warn({ err: error }, "the watch of the store broke; starting it again");
      }
      await this.#clock.sleep(retryMs, this.#stop.signal).catch(() => undefined);
      retryMs = Math.min(retryMs * 2, RETRY_MAX_MS);
    }
  }

  #applyAll({ revision, events }: RowBatch): void {
    for (const event of events) {
      const shelf = this.#shelfOf(event.key);
      if (shelf) this.#apply(shelf, event);
    }
    this.#advance(revision);
  }

  #apply(shelf: Shelf, event: RowEvent): void {
    const previous = shelf.objects.get(event.key);
    if (event.type === "put" && event.row) {
      const object = this.#read(event.row);
      if (object) shelf.apply({ type: previous ? "MODIFIED" : "ADDED", key: event.key, revision: event.revision, object, ...(previous ? { previous } : {}) });
    } else if (previous) {
      shelf.apply({ type: "DELETED", key: event.key, revision: event.revision, object: previous.at(event.revision), previous });
    }
    this.#ahead.passed(event.key, event.revision);
  }

  #advance(revision: number): void {
    this.#revision = Math.max(this.#revision, revision);
    for (const waiter of this.#waiters) if (waiter.revision <= this.#revision) waiter.done();
    this.#ahead.passedAll(this.#revision);
  }
}
