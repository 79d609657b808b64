import { crc32 } from "node:zlib";
import { nextTurn } from "../../base/clock.js";
import type { Logger } from "../../base/log.js";
import type { CheckpointStore } from "./checkpoint-store.js";
import { endFrame, headFrame, KeyFrames } from "./index-checkpoint.js";
import type { KeyIndex } from "../key-index/key-index.js";
import type { Key } from "../key-index/key-range.js";
import { logRange } from "./keyspace.js";
import type { Table } from "./table.js";

/** Keys taken between two turns: about half a millisecond. */
const KEYS_PER_TURN = 500;
/** A checkpoint is due after so many revisions, and one for so many keys: writing it takes time for every key. */
const DUE = {
  /** While the last one still saves a start the greater part of the log. */
  whileGood: { revisions: 20_000, keysPerRevision: 2 },
  /** When history was compacted beyond the last one, which no start will use any more. */
  whenSpent: { revisions: 1_000, keysPerRevision: 50 },
} as const;

/** What the checkpointer looks at. */
export interface CheckpointedState {
  readonly table: Table;
  readonly index: KeyIndex;
  /** Newest durable revision. */
  readonly revision: number;
  /** Newest revision given away. */
  readonly newestRevision: number;
  /** Newest compaction point, durable or not. */
  readonly newestCompactRevision: number;
  /** Resolves when everything given away is durable; rejects when it never will be. */
  settled(): Promise<void>;
}

/** A compaction went beyond what is being written. */
class Overtaken extends Error {}

/**
 * Saves the index now and then and at a clean close, so that a start reads only what came later. The walk over the keys goes on while they
 * change, a few at a time: a checkpoint at R holds the versions up to R, and what changed meanwhile is read from the log anyway.
 */
export class Checkpointer {
  readonly #store: CheckpointStore;
  readonly #state: CheckpointedState;
  readonly #log: Logger | undefined;
  /** Revision of the newest checkpoint, or of the last try. */
  #lastRevision: number;
  #running: Promise<void> | undefined;
  #closed = false;

  constructor(store: CheckpointStore, state: CheckpointedState, lastRevision: number, log: Logger | undefined) {
    this.#store = store;
    this.#state = state;
    this.#lastRevision = lastRevision;
    this.#log = log;
  }

  /** Begins a checkpoint if one is due. */
  consider(): void {
    if (this.#running !== undefined || this.#closed) return;
    const behind = this.#state.revision - this.#lastRevision;
    const due = this.#state.newestCompactRevision > this.#lastRevision ? DUE.whenSpent : DUE.whileGood;
    if (behind < due.revisions || behind * due.keysPerRevision < this.#state.index.size) return;
    this.#running = this.#write().finally(() => (this.#running = undefined));
  }

  /** Writes the last checkpoint, when everything is durable and nothing changes any more. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
    if (this.#state.revision > this.#lastRevision) await this.#write();
  }

  /** Ends without a last checkpoint: memory is ahead of the disk. */
  async abandon(): Promise<void> {
    this.#closed = true;
    await this.#running;
  }

  async #write(): Promise<void> {
    this.#lastRevision = this.#state.revision;
    try {
      await this.#store.save(this.#pieces(this.#lastRevision));
    } catch (error) {
      // It only saves time; the log is whole without it.
      if (!(error instanceof Overtaken)) this.#log?.warn({ err: error }, "the checkpoint of the etcd index could not be written");
    }
  }

  async *#pieces(revision: number): AsyncGenerator<Buffer> {
    const { index } = this.#state;
    yield headFrame();
    const frames = new KeyFrames();
    for (let cursor: Key | undefined = ""; cursor !== undefined; ) {
      const histories = index.slice(cursor, KEYS_PER_TURN);
      for (const history of histories) frames.add(history, revision);
      const last = histories[histories.length - 1];
      cursor = histories.length < KEYS_PER_TURN || last === undefined ? undefined : `${last.key}\0`;
      const taken = frames.take(cursor === undefined);
      if (taken !== undefined) yield taken;
      await nextTurn();
    }
    const upTo = this.#state.newestRevision;
    await this.#state.settled();
    const mark = await markOf(this.#state.table, upTo);
    // Below its point a compaction deletes rows that a later start would have to read.
    if (this.#state.newestCompactRevision > revision) throw new Overtaken();
    yield endFrame({ revision, upTo, mark, keys: frames.keys });
  }
}

/**
 * Checksum of the last row of a revision, 0 where there is none. The last one of a revision is the newest of its key, so no compaction that
 * a checkpoint survives takes it away.
 */
export async function markOf(table: Table, revision: number): Promise<number> {
  let mark = 0;
  for await (const rows of table.scan(logRange(revision, revision), MARK_ROWS)) for (const [key, row] of rows) mark = crc32(row, crc32(key));
  return mark;
}

const MARK_ROWS = 1_000;
