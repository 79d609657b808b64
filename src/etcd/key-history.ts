import type { Key } from "./key-range.js";
import type { Revision } from "./revision.js";

/** A version of a key that compaction no longer needs. */
export interface DroppedVersion extends Revision {
  readonly tombstone: boolean;
}

/**
 * All versions of one key that history still holds, oldest first, and the facts of the newest one.
 *
 * Worked example: put at 2, put at 4, deleted at 6, put at 8. The versions are 2, 4, 6t, 8.
 * - At revision 1 there is no version; at 3 it is 2; at 5 it is 4; at 6 and 7 none (deleted); from 8 on it is 8.
 * - compact(5) drops 2 and keeps 4, because a reader at 5 needs it. compact(6) drops 2 and 4 and keeps 6t, because a watch from
 *   6 needs it. compact(7) drops 6t too: nobody can see it any more.
 */
export class KeyHistory {
  readonly key: Key;
  /** create_revision of the newest version; 0 when that is a deletion. */
  createRevision = 0;
  /** Version number of the newest version; 0 when that is a deletion. */
  version = 0;
  /** Lease of the newest version; 0 for none. */
  lease = 0n;
  /** Stored bytes of the newest version, where the cache keeps them. */
  row: Buffer | undefined;
  /** Pairs: main, then 2 * sub + 1 for a deletion or 2 * sub for a put. */
  #versions: number[] = [];

  constructor(key: Key) {
    this.key = key;
  }

  /** No version is left: the key can leave the index. */
  get empty(): boolean {
    return this.#versions.length === 0;
  }

  /** The key exists in the newest state, durable or not. */
  get live(): boolean {
    return this.version > 0;
  }

  /** mod_revision of the newest version; 0 without one. */
  get modRevision(): number {
    return this.#versions[this.#versions.length - 2] ?? 0;
  }

  /** Sub-revision of the newest version. */
  get modSub(): number {
    return (this.#versions[this.#versions.length - 1] ?? 0) >> 1;
  }

  /** Adds the newest version, a put. */
  put(main: number, sub: number, createRevision: number, version: number, lease: bigint, row: Buffer | undefined): void {
    this.#versions.push(main, sub * 2);
    this.createRevision = createRevision;
    this.version = version;
    this.lease = lease;
    this.row = row;
  }

  /** Adds the newest version, a deletion. */
  delete(main: number, sub: number): void {
    this.#versions.push(main, sub * 2 + 1);
    this.createRevision = 0;
    this.version = 0;
    this.lease = 0n;
    this.row = undefined;
  }

  /** The version a reader at `revision` sees; undefined when the key does not exist there. */
  at(revision: number): Revision | undefined {
    const index = this.#lastUpTo(revision);
    if (index < 0) return undefined;
    const code = this.#versions[index + 1] as number;
    return (code & 1) === 1 ? undefined : { main: this.#versions[index] as number, sub: code >> 1 };
  }

  /** Whether a compaction at `revision` keeps the version (main, sub). */
  keeps(main: number, sub: number, revision: number): boolean {
    if (main > revision) return true;
    const index = this.#lastUpTo(revision);
    if (index < 0) return false;
    const code = this.#versions[index + 1] as number;
    const tombstone = (code & 1) === 1;
    return this.#versions[index] === main && code >> 1 === sub && (!tombstone || main === revision);
  }

  /** Forgets what no reader at `revision` or later and no watch from `revision` on can see; returns what was forgotten. */
  compact(revision: number): DroppedVersion[] {
    const newest = this.#lastUpTo(revision);
    if (newest < 0) return [];
    const deletion = ((this.#versions[newest + 1] as number) & 1) === 1;
    const cut = deletion && (this.#versions[newest] as number) < revision ? newest + 2 : newest;
    if (cut === 0) return [];
    const dropped: DroppedVersion[] = [];
    for (let index = 0; index < cut; index += 2) {
      const code = this.#versions[index + 1] as number;
      dropped.push({ main: this.#versions[index] as number, sub: code >> 1, tombstone: (code & 1) === 1 });
    }
    this.#versions = this.#versions.slice(cut);
    return dropped;
  }

  /** Index of the newest version with main <= revision, or -1. */
  #lastUpTo(revision: number): number {
    const versions = this.#versions;
    let high = versions.length - 2;
    if (high < 0 || (versions[high] as number) <= revision) return high;
    let low = -2;
    // Invariant: the version at `low` is not above `revision` (or low is -2), the one at `high` is above it.
    while (high - low > 2) {
      const middle = low + (((high - low) >> 2) << 1);
      if ((versions[middle] as number) <= revision) low = middle;
      else high = middle;
    }
    return low < 0 ? -1 : low;
  }
}
