import type { Change } from "../watch/change.js";
import { etcdError } from "../errors.js";
import type { KeyHistory } from "../key-index/key-history.js";
import type { KeyIndex } from "../key-index/key-index.js";
import { logKey } from "./keyspace.js";
import type { Revision } from "./revision.js";
import { RowCache } from "./row-cache.js";
import type { Table } from "./table.js";

/** Where the bytes of a version are: among what is not durable yet, in the cache, or in the table. */
export class Rows {
  readonly #table: Table;
  readonly #cache: RowCache;
  /** Changes that are not in the table yet, by revision, then sub-revision. */
  readonly #undurable = new Map<number, readonly Change[]>();

  constructor(table: Table, cacheBytes: number) {
    this.#table = table;
    this.#cache = new RowCache(cacheBytes);
  }

  /** The bytes of a version that is a put. Throws etcd's error for a corrupt store where index and log disagree. */
  readonly read = (history: KeyHistory, version: Revision): Buffer => {
    const newest = history.modRevision === version.main && history.modSub === version.sub;
    const row = (newest ? this.#cache.get(history) : undefined) ?? this.#undurable.get(version.main)?.[version.sub]?.row;
    return row ?? this.#fromTable(history, version, newest);
  };

  /** The newest row of a living key if that costs no disk read. */
  peek(history: KeyHistory): Buffer | undefined {
    return this.#cache.get(history) ?? this.#undurable.get(history.modRevision)?.[history.modSub]?.row;
  }

  /** The key is about to get a newer version. */
  outdate(history: KeyHistory): void {
    this.#cache.delete(history);
  }

  /** Holds the changes of a revision until they are in the table. */
  hold(main: number, changes: readonly Change[]): void {
    this.#undurable.set(main, changes);
  }

  /** The changes of a revision are in the table now. */
  release(main: number, index: KeyIndex): void {
    for (const change of this.#undurable.get(main) ?? []) {
      if (change.tombstone) continue;
      const history = index.get(change.key);
      if (history?.modRevision === main && history.modSub === change.sub) this.#cache.set(history, change.row);
    }
    this.#undurable.delete(main);
  }

  #fromTable(history: KeyHistory, version: Revision, newest: boolean): Buffer {
    let row: Buffer | undefined;
    try {
      row = this.#table.get(logKey(version.main, version.sub, false));
    } catch (error) {
      throw etcdError("corrupt", error);
    }
    // Index and log disagree: there is no right answer left.
    if (row === undefined) throw etcdError("corrupt", new Error(`row ${version.main}.${version.sub} is missing`));
    if (newest) this.#cache.set(history, row);
    return row;
  }
}
