import { nextTurn } from "../../base/clock.js";
import type { Change, Commit } from "./change.js";
import { HistorySlice } from "./history-slice.js";
import type { Key, KeyRange } from "../key-index/key-range.js";
import { RangeTree } from "./range-tree.js";
import { RecentCommits } from "../storage/recent-commits.js";
import type { Store } from "../kv/store.js";
import type { Watcher } from "./watcher.js";

/** Commits read from the log at a time. */
const SLICE_COMMITS = 500;
/** Bytes of rows in such a slice, roughly. */
const SLICE_BYTES = 1024 * 1024;
const CHUNK_ROWS = 256;
/** Full slices of memory kept for watches that are equally far behind. */
const MAX_SHARED_SLICES = 8;

/** Brings each commit to the watchers that are synced, and reads history for those that are behind. */
export class WatchHub {
  readonly #store: Store;
  readonly #byKey = new Map<Key, Set<Watcher>>();
  /** Watchers of one and the same range share an entry. */
  readonly #byRange = new RangeTree<Set<Watcher>>();
  readonly #recent = new RecentCommits();
  /** Full slices by the revision they begin with: what they hold never changes. */
  readonly #shared = new Map<number, HistorySlice>();
  readonly #unsubscribe: () => void;
  #lastTurn: Promise<void> = Promise.resolve();

  constructor(store: Store) {
    this.#store = store;
    this.#unsubscribe = store.subscribe((commit) => this.#publish(commit));
  }

  get store(): Store {
    return this.#store;
  }

  /** Tells the watcher of every commit from now on; it must have everything up to the store's revision. */
  join(watcher: Watcher): void {
    watcher.synced = true;
    const { range } = watcher.options;
    const group = this.#groupOf(range);
    if (group !== undefined) group.add(watcher);
    else if (range.single) this.#byKey.set(range.start, new Set([watcher]));
    else this.#byRange.add(range, new Set([watcher]));
  }

  /** Tells the watcher nothing any more. */
  leave(watcher: Watcher): void {
    watcher.synced = false;
    const { range } = watcher.options;
    const group = this.#groupOf(range);
    group?.delete(watcher);
    if (group?.size !== 0) return;
    if (range.single) this.#byKey.delete(range.start);
    else this.#byRange.remove(range);
  }

  /** The visible commits from revision `from` to `upTo`, which is as far as one slice goes. */
  async history(from: number): Promise<HistorySlice> {
    const visible = this.#store.revision;
    const recent = this.#recent.from(from, SLICE_COMMITS);
    // Reading memory waits for nothing by itself: full slices go one a turn, over all streams, so that others are served in between.
    if (recent?.length === SLICE_COMMITS) await (this.#lastTurn = this.#lastTurn.then(nextTurn));
    if (recent !== undefined) return recent.length < SLICE_COMMITS ? new HistorySlice(recent, visible) : this.#sharedSlice(from, recent);
    const slice: Commit[] = [];
    let bytes = 0;
    for await (const commits of this.#store.log(from, CHUNK_ROWS)) {
      for (const commit of commits) {
        slice.push(commit);
        for (const change of commit.changes) bytes += change.row.length;
      }
      if (slice.length >= SLICE_COMMITS || bytes >= SLICE_BYTES) return new HistorySlice(slice, lastRevision(slice, visible));
    }
    return new HistorySlice(slice, visible);
  }

  close(): void {
    this.#unsubscribe();
  }

  #sharedSlice(from: number, commits: readonly Commit[]): HistorySlice {
    const known = this.#shared.get(from);
    if (known !== undefined) return known;
    const slice = new HistorySlice(commits, lastRevision(commits, from));
    for (const oldest of this.#shared.keys()) if (this.#shared.size >= MAX_SHARED_SLICES || this.#recent.from(oldest, 1) === undefined) this.#shared.delete(oldest);
    this.#shared.set(from, slice);
    return slice;
  }

  #publish(commit: Commit): void {
    this.#recent.add(commit);
    const { revision, changes } = commit;
    const [only] = changes;
    if (changes.length === 1 && only !== undefined) {
      // The usual commit: all its watchers share one list.
      for (const group of this.#groupsAround(only.key)) for (const watcher of group) if (wants(watcher, only)) watcher.onCommit(watcher, revision, changes);
      return;
    }
    const told = new Map<Watcher, Change[]>();
    for (const change of changes) {
      for (const group of this.#groupsAround(change.key)) for (const watcher of group) if (wants(watcher, change)) tell(told, watcher, change);
    }
    for (const [watcher, wanted] of told) watcher.onCommit(watcher, revision, wanted);
  }

  #groupOf(range: KeyRange): Set<Watcher> | undefined {
    return range.single ? this.#byKey.get(range.start) : this.#byRange.get(range);
  }

  /** A list of its own, because a watcher that is told may leave. */
  #groupsAround(key: Key): Set<Watcher>[] {
    const groups = this.#byRange.around(key);
    const single = this.#byKey.get(key);
    if (single !== undefined) groups.push(single);
    return groups;
  }
}

function wants(watcher: Watcher, change: Change): boolean {
  return change.main >= watcher.options.startRevision && watcher.wantsKind(change);
}

function tell(told: Map<Watcher, Change[]>, watcher: Watcher, change: Change): void {
  const changes = told.get(watcher);
  if (changes === undefined) told.set(watcher, [change]);
  else changes.push(change);
}

function lastRevision(commits: readonly Commit[], otherwise: number): number {
  return commits[commits.length - 1]?.revision ?? otherwise;
}
