import type { Key } from "../key-index/key-range.js";
import { keyBytes } from "../key-index/key-range.js";
import { encodeRow, varintLength, writeBytes, writeVarint } from "../storage/row.js";

/** Tag of WatchResponse.events, a length-delimited field 11. */
const EVENTS_TAG = (11 << 3) | 2;
/** Tags of mvccpb.Event: type = 1, kv = 2, prev_kv = 3. */
const TYPE_TAG = 1 << 3;
const KV_TAG = (2 << 3) | 2;
const PREV_KV_TAG = (3 << 3) | 2;
const DELETE = 1;

const EMPTY = Buffer.alloc(0);

/** Finds the row a key had before a revision; undefined when it did not exist or is compacted. */
export type PreviousRow = (change: Change) => Buffer | undefined;

/** One put or deletion in history, with the bytes a watcher gets of it; encoded once, however many watchers there are. */
export class Change {
  readonly key: Key;
  /** Store revision. */
  readonly main: number;
  readonly sub: number;
  readonly tombstone: boolean;
  /** The stored row. */
  readonly row: Buffer;
  /** The row before, `null` if there was none, undefined if nobody looked. */
  readonly #previous: Buffer | null | undefined;
  #event: Buffer | undefined;
  #eventWithPrevious: Buffer | undefined;

  constructor(key: Key, main: number, sub: number, tombstone: boolean, row: Buffer, previous?: Buffer | null) {
    this.key = key;
    this.main = main;
    this.sub = sub;
    this.tombstone = tombstone;
    this.row = row;
    this.#previous = previous;
  }

  /** The event as one entry of WatchResponse.events, tag and length included, so that a response is a concatenation of them. */
  eventBytes(withPrevious: boolean, readPrevious: PreviousRow): Buffer {
    if (!withPrevious) return (this.#event ??= this.#encode(undefined));
    return (this.#eventWithPrevious ??= this.#encode(this.#previous === undefined ? readPrevious(this) : (this.#previous ?? undefined)));
  }

  /** The same change for watchers who must not see what was before, because that is compacted. */
  withoutPrevious(): Change {
    return new Change(this.key, this.main, this.sub, this.tombstone, this.row, null);
  }

  #encode(previous: Buffer | undefined): Buffer {
    const pair = this.tombstone ? this.#tombstoneForWatchers() : this.row;
    const length = (this.tombstone ? 2 : 0) + 1 + varintLength(pair.length) + pair.length + (previous === undefined ? 0 : 1 + varintLength(previous.length) + previous.length);
    const bytes = Buffer.allocUnsafe(1 + varintLength(length) + length);
    bytes[0] = EVENTS_TAG;
    let at = writeVarint(bytes, length, 1);
    if (this.tombstone) {
      bytes[at++] = TYPE_TAG;
      bytes[at++] = DELETE;
    }
    at = writeBytes(bytes, KV_TAG, pair, at);
    if (previous !== undefined) writeBytes(bytes, PREV_KV_TAG, previous, at);
    return bytes;
  }

  /** Watchers also learn the revision of a deletion, which its row does not hold. */
  #tombstoneForWatchers(): Buffer {
    return encodeRow({ key: keyBytes(this.key), createRevision: 0, modRevision: this.main, version: 0, value: EMPTY, lease: 0n });
  }
}

/** All changes of one store revision. */
export interface Commit {
  readonly revision: number;
  readonly changes: readonly Change[];
}
