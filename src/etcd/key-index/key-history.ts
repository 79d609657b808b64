import type { Key } from "./key-range.js";
import type { Revision } from "../storage/revision.js";

/** A version of a key that compaction no longer needs. */
export interface DroppedVersion extends Revision {
  readonly tombstone: boolean;
}

/** What the newest version of a key says besides its value. */
export interface NewestFacts {
  readonly createRevision: number;
  readonly version: number;
  readonly lease: bigint;
}

/**
 * All versions of one key that history still holds, oldest first, and the facts of the newest one. The newest version lies in fields of
 * its own, so that a key with a single version, as most have, needs no list: about 80 bytes and the key.
 *
 * Worked example: put at 2, put at 4, deleted at 6, put at 8. The versions are 2, 4, 6t, 8.
 * - At revision 1 there is no version; at 3 it is 2; at 5 it is 4; at 6 and 7 none (deleted); from 8 on it is 8.
 * - compact(5) drops 2 and keeps 4, because a reader at 5 needs it. compact(6) drops 2 and 4 and keeps 6t, because a watch from
 *   6 needs it. compact(7) drops 6t too: nobody can see it any more.
 */
export class KeyHistory implements NewestFacts {
  readonly key: Key;
  /** create_revision of the newest version; 0 when that is a deletion. */
  createRevision = 0;
  /** Version number of the newest version; 0 when that is a deletion. */
  version = 0;
  /** Lease of the newest version; 0 for none. */
  lease = NO_LEASE;
  /** Newest version: main, 0 without one, and its code, 2 * sub + 1 for a deletion or 2 * sub for a put. */
  #main = 0;
  #code = 0;
  /** Older versions: pairs of main and code. */
  #older: number[] | undefined = undefined;

  constructor(key: Key) {
    this.key = key;
  }

  /** A history from what `versionsUpTo` gave: the last pair of it, main and code, and the pairs before, if there are any. */
  static of(key: Key, facts: NewestFacts, main: number, code: number, older: number[] | undefined): KeyHistory {
    const history = new KeyHistory(key);
    history.#older = older;
    history.#main = main;
    history.#code = code;
    if ((code & 1) === 1) return history;
    history.createRevision = facts.createRevision;
    history.version = facts.version;
    if (facts.lease !== 0n) history.lease = facts.lease;
    return history;
  }

  /** No version is left: the key can leave the index. */
  get empty(): boolean {
    return this.#main === 0;
  }

  /** The key exists in the newest state, durable or not. */
  get live(): boolean {
    return this.version > 0;
  }

  /** mod_revision of the newest version; 0 without one. */
  get modRevision(): number {
    return this.#main;
  }

  /** Sub-revision of the newest version. */
  get modSub(): number {
    return this.#code >> 1;
  }

  /** Adds the newest version, a put. */
  put(main: number, sub: number, createRevision: number, version: number, lease: bigint): void {
    this.#add(main, sub * 2);
    this.createRevision = createRevision;
    this.version = version;
    this.lease = lease === 0n ? NO_LEASE : lease;
  }

  /** Adds the newest version, a deletion. */
  delete(main: number, sub: number): void {
    this.#add(main, sub * 2 + 1);
    this.createRevision = 0;
    this.version = 0;
    this.lease = NO_LEASE;
  }

  /** The version a reader at `revision` sees; undefined when the key does not exist there. */
  at(revision: number): Revision | undefined {
    const index = this.#lastUpTo(revision);
    if (index < 0) return undefined;
    const code = this.#codeAt(index);
    return (code & 1) === 1 ? undefined : { main: this.#mainAt(index), sub: code >> 1 };
  }

  /** Whether a compaction at `revision` keeps the version (main, sub). */
  keeps(main: number, sub: number, revision: number): boolean {
    if (main > revision) return true;
    const index = this.#lastUpTo(revision);
    if (index < 0) return false;
    const code = this.#codeAt(index);
    const tombstone = (code & 1) === 1;
    return this.#mainAt(index) === main && code >> 1 === sub && (!tombstone || main === revision);
  }

  /** Versions not above `revision`, oldest first: pairs of main and code. */
  versionsUpTo(revision: number): number[] {
    const last = this.#lastUpTo(revision);
    const pairs: number[] = [];
    for (let index = 0; index <= last; index += 2) pairs.push(this.#mainAt(index), this.#codeAt(index));
    return pairs;
  }

  /** Forgets what no reader at `revision` or later and no watch from `revision` on can see; returns what was forgotten. */
  compact(revision: number): DroppedVersion[] {
    const newest = this.#lastUpTo(revision);
    if (newest < 0) return NOTHING;
    const deletion = (this.#codeAt(newest) & 1) === 1;
    const cut = deletion && this.#mainAt(newest) < revision ? newest + 2 : newest;
    if (cut === 0) return NOTHING;
    const dropped: DroppedVersion[] = [];
    for (let index = 0; index < cut; index += 2) {
      const code = this.#codeAt(index);
      dropped.push({ main: this.#mainAt(index), sub: code >> 1, tombstone: (code & 1) === 1 });
    }
    const older = this.#older?.length ?? 0;
    if (cut > older) this.#main = this.#code = 0;
    this.#older = cut >= older ? undefined : this.#older?.slice(cut);
    return dropped;
  }

  #add(main: number, code: number): void {
    if (this.#main !== 0) {
      // A list of exactly the size: most keys have few versions, and a growing list reserves more than it holds.
      if (this.#older === undefined) this.#older = [this.#main, this.#code];
      else this.#older.push(this.#main, this.#code);
    }
    this.#main = main;
    this.#code = code;
  }

  #mainAt(index: number): number {
    return this.#older?.[index] ?? this.#main;
  }

  #codeAt(index: number): number {
    return this.#older?.[index + 1] ?? this.#code;
  }

  /** Index of the newest version with main <= revision, or -1. */
  #lastUpTo(revision: number): number {
    const older = this.#older;
    if (this.#main <= revision) return this.#main === 0 ? -1 : (older?.length ?? 0);
    if (older === undefined) return -1;
    let high = older.length;
    let low = -2;
    // Invariant: the version at `low` is not above `revision` (or low is -2), the one at `high` is above it.
    while (high - low > 2) {
      const middle = low + (((high - low) >> 2) << 1);
      if ((older[middle] as number) <= revision) low = middle;
      else high = middle;
    }
    return low < 0 ? -1 : low;
  }
}

/** One value for all keys without a lease: every bigint that is computed is an object of its own. */
const NO_LEASE = 0n;
const NOTHING: DroppedVersion[] = [];
