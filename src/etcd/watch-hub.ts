import { nextTurn } from "../base/clock.js";
import type { Change, Commit } from "./change.js";
import { inRange, type Key, type KeyRange } from "./key-range.js";
import { RecentCommits } from "./recent-commits.js";
import type { Store } from "./store.js";
import type { Watcher } from "./watcher.js";

/** Watchers of one and the same range: the range is compared once for all of them. */
interface RangeGroup {
  readonly range: KeyRange;
  readonly watchers: Set<Watcher>;
}

/** A piece of history without a hole. */
export interface HistorySlice {
  readonly commits: readonly Commit[];
  /** Every change up to this revision is in `commits`. */
  readonly upTo: number;
}

/** Commits read from the log at a time. */
const SLICE_COMMITS = 500;
/** Bytes of rows in such a slice, roughly. */
const SLICE_BYTES = 1024 * 1024;
const CHUNK_ROWS = 256;

/** Brings each commit to the watchers that are synced, and reads history for those that are behind. */
export class WatchHub {
  readonly #store: Store;
  readonly #byKey = new Map<Key, Set<Watcher>>();
  readonly #byRange = new Map<string, RangeGroup>();
  readonly #recent = new RecentCommits();
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
    if (range.single) {
      const watchers = this.#byKey.get(range.start);
      if (watchers === undefined) this.#byKey.set(range.start, new Set([watcher]));
      else watchers.add(watcher);
      return;
    }
    const name = groupName(range);
    const group = this.#byRange.get(name);
    if (group === undefined) this.#byRange.set(name, { range, watchers: new Set([watcher]) });
    else group.watchers.add(watcher);
  }

  /** Tells the watcher nothing any more. */
  leave(watcher: Watcher): void {
    watcher.synced = false;
    const { range } = watcher.options;
    if (range.single) {
      const watchers = this.#byKey.get(range.start);
      watchers?.delete(watcher);
      if (watchers?.size === 0) this.#byKey.delete(range.start);
      return;
    }
    const name = groupName(range);
    const group = this.#byRange.get(name);
    group?.watchers.delete(watcher);
    if (group?.watchers.size === 0) this.#byRange.delete(name);
  }

  /** The visible commits from revision `from` to `upTo`, which is as far as one slice goes. */
  async history(from: number): Promise<HistorySlice> {
    const visible = this.#store.revision;
    const recent = this.#recent.from(from, SLICE_COMMITS);
    // Reading memory waits for nothing by itself: full slices go one a turn, over all streams, so that others are served in between.
    if (recent?.length === SLICE_COMMITS) await (this.#lastTurn = this.#lastTurn.then(nextTurn));
    if (recent !== undefined) return { commits: recent, upTo: recent.length < SLICE_COMMITS ? visible : lastRevision(recent, visible) };
    const slice: Commit[] = [];
    let bytes = 0;
    for await (const commits of this.#store.log(from, CHUNK_ROWS)) {
      for (const commit of commits) {
        slice.push(commit);
        for (const change of commit.changes) bytes += change.row.length;
      }
      if (slice.length >= SLICE_COMMITS || bytes >= SLICE_BYTES) return { commits: slice, upTo: lastRevision(slice, visible) };
    }
    return { commits: slice, upTo: visible };
  }

  close(): void {
    this.#unsubscribe();
  }

  #publish(commit: Commit): void {
    this.#recent.add(commit);
    const told = new Map<Watcher, Change[]>();
    for (const change of commit.changes) {
      for (const watcher of this.#byKey.get(change.key) ?? []) tell(told, watcher, change);
      for (const { range, watchers } of this.#byRange.values()) {
        if (inRange(range, change.key)) for (const watcher of watchers) tell(told, watcher, change);
      }
    }
    for (const [watcher, changes] of told) watcher.onCommit(watcher, commit.revision, changes);
  }
}

function tell(told: Map<Watcher, Change[]>, watcher: Watcher, change: Change): void {
  if (change.main < watcher.options.startRevision || !watcher.wantsKind(change)) return;
  const changes = told.get(watcher);
  if (changes === undefined) told.set(watcher, [change]);
  else changes.push(change);
}

function lastRevision(commits: readonly Commit[], otherwise: number): number {
  return commits[commits.length - 1]?.revision ?? otherwise;
}

function groupName(range: KeyRange): string {
  return `${range.start.length}:${range.start}${range.end ?? ""}`;
}
