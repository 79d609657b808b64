import type { Clock } from "../../base/clock.js";
import { VimFault } from "../vim-fault.js";

/** One change as a watch sees it. vim25 type: ObjectUpdate. */
export type FeedUpdate<T> =
  | { readonly kind: "enter" | "modify"; readonly token: string; readonly key: string; readonly object: T }
  | { readonly kind: "leave"; readonly token: string; readonly key: string }
  | { readonly kind: "synced" | "bookmark"; readonly token: string };

/** When a watch ends, and how long it waits for changes. */
export interface WatchOptions {
  readonly signal: AbortSignal;
  readonly monotonic: Clock;
  /** A watch on which nothing changes gets a bookmark after so long. */
  readonly bookmarkMs: number;
  /** For so long after changes were told, the next ones are gathered; none when absent. What comes after a rest is told at once. */
  readonly gatherMs?: number | undefined;
}

interface Versions {
  /** When its first life that is remembered began: a key that left may enter again. No later than the end of a life that some watch has yet to tell. */
  first: number;
  /** When its present or last life began. */
  readonly created: number;
  version: number;
}

/** What a watch still has to tell about one object. */
interface Pending {
  readonly kind: "enter" | "modify" | "leave";
  /** A token of this version says that the reader heard of it: where the object entered, where it left, or a change of it that was not told. */
  readonly order: number;
  /** Whether the reader may know the object, or one of the same key before it. */
  readonly known: boolean;
}

interface Watcher {
  /** In order of `order`. One entry an object however often it changes, so never more than there are objects. */
  readonly pending: Map<string, Pending>;
  wake: () => void;
}

/**
 * Versions of a set of objects, and watches over them, in the manner of PropertyCollector.WaitForUpdatesEx: a watch tells which
 * objects are new, changed or gone since a version, each as it is *now*; states in between may be left out, the last one never is.
 *
 * Example: a enters (1), b enters (2), a changes (3), b leaves (4). From token 1: MODIFY a. From token 2: MODIFY a, LEAVE b. From the
 * start: ENTER a.
 *
 * A token is `<epoch>-<version>`: it can be resumed within one run of vCenter, while nothing left that the tombstones have
 * forgotten. It does not say which objects came and went untold: of such a one, a watch that is resumed may tell that it left. Before
 * SYNCED of a watch from the start tokens are empty: half an inventory cannot be resumed.
 */
export class ChangeFeed<T> {
  readonly #epoch: bigint;
  readonly #read: (key: string) => T | undefined;
  readonly #maxTombstones: number;
  /** In no order: an object that is taken out and put back at each change leaves holes in its Map that every later change walks over. */
  readonly #items = new Map<string, Versions>();
  /** What was removed, in order of removal. */
  readonly #tombstones = new Map<string, Versions>();
  readonly #watchers = new Set<Watcher>();
  readonly #observers = new Set<(key: string) => void>();
  readonly #removalObservers = new Set<(key: string) => void>();
  #version = 0;
  /** Tokens below this one can no longer be resumed. */
  #floor = 0;

  /** `read` gives an object as it is now. */
  constructor(epoch: bigint, read: (key: string) => T | undefined, maxTombstones = 10_000) {
    this.#epoch = epoch;
    this.#read = read;
    this.#maxTombstones = maxTombstones;
  }

  /** How many watches are open. */
  get watchers(): number {
    return this.#watchers.size;
  }

  /** Tells `observer` every key at the moment it is changed or removed, which must do no more than note it; answers how to end that. */
  observe(observer: (key: string) => void): () => void {
    this.#observers.add(observer);
    return () => void this.#observers.delete(observer);
  }

  /** As `observe`, of what is removed alone. */
  observeRemovals(observer: (key: string) => void): void {
    this.#removalObservers.add(observer);
  }

  /** The object is new or has changed. */
  changed(key: string): void {
    this.#version += 1;
    const before = this.#items.get(key);
    if (before === undefined) {
      const first = this.#tombstones.get(key)?.first ?? this.#version;
      this.#tombstones.delete(key);
      this.#items.set(key, { first, created: this.#version, version: this.#version });
    } else {
      before.version = this.#version;
    }
    const item = this.#items.get(key);
    for (const watcher of this.#watchers) {
      const pending = watcher.pending.get(key);
      // This reader has not heard of the end of a life that no tombstone may remember any more: to its tokens the object was always there.
      if (item !== undefined && pending?.kind === "leave") item.first = Math.min(item.first, pending.order);
      if (pending === undefined) watcher.pending.set(key, { kind: before === undefined ? "enter" : "modify", order: this.#version, known: before !== undefined });
      else if (pending.kind === "leave") watcher.pending.set(key, { ...pending, kind: "enter" });
      watcher.wake();
    }
    for (const observe of this.#observers) observe(key);
  }

  /** The object is gone. */
  removed(key: string): void {
    const before = this.#items.get(key);
    if (before === undefined) return;
    this.#version += 1;
    this.#items.delete(key);
    this.#tombstones.set(key, { ...before, version: this.#version });
    this.#forgetOldTombstones();
    for (const watcher of this.#watchers) {
      const pending = watcher.pending.get(key);
      // To its place at the end: a token from before its removal would have it leave once more.
      watcher.pending.delete(key);
      if (pending?.known !== false) watcher.pending.set(key, { kind: "leave", order: this.#version, known: true });
      watcher.wake();
    }
    for (const observe of this.#removalObservers) observe(key);
    for (const observe of this.#observers) observe(key);
  }

  /**
   * Follows the set: with an empty token ENTER for every object, SYNCED, then each change; with a token what changed since, SYNCED,
   * then each change. A bookmark comes whenever its time passes without a change.
   */
  async *watch(resumeToken: string, options: WatchOptions): AsyncGenerator<FeedUpdate<T>, void> {
    const since = resumeToken === "" ? 0 : this.#parse(resumeToken);
    const start = this.#version;
    const watcher: Watcher = { pending: this.#changesSince(since), wake: () => undefined };
    const onAbort = (): void => watcher.wake();
    options.signal.addEventListener("abort", onAbort, { once: true });
    this.#watchers.add(watcher);
    try {
      for (let next = first(watcher.pending); next !== undefined && next[1].order <= start; next = first(watcher.pending)) {
        yield* this.#take(watcher, next, resumeToken !== "");
      }
      yield { kind: "synced", token: this.#tokenAfter(watcher, start) };
      const { signal, monotonic, gatherMs = 0 } = options;
      let gathers = false;
      while (!signal.aborted) {
        const next = first(watcher.pending);
        if (next !== undefined) {
          yield* this.#take(watcher, next, true);
          gathers = gatherMs > 0;
        } else if (gathers) {
          gathers = false;
          await monotonic.sleep(gatherMs, signal).catch(() => undefined);
        } else if (!(await changeComes(watcher, options)) && !signal.aborted) yield { kind: "bookmark", token: this.#token(this.#version) };
      }
    } finally {
      this.#watchers.delete(watcher);
      options.signal.removeEventListener("abort", onAbort);
    }
  }

  *#take(watcher: Watcher, [key, { kind, order }]: readonly [string, Pending], resumable: boolean): Generator<FeedUpdate<T>, void> {
    watcher.pending.delete(key);
    const token = resumable ? this.#tokenAfter(watcher, order) : "";
    if (kind === "leave") {
      yield { kind, token, key };
      return;
    }
    const object = this.#read(key);
    if (object !== undefined) yield { kind, token, key, object };
  }

  #changesSince(version: number): Map<string, Pending> {
    const changes: (readonly [string, Pending])[] = [];
    for (const [key, item] of this.#items) {
      const known = item.first <= version;
      if (item.created > version) changes.push([key, { kind: "enter", order: item.created, known }]);
      else if (item.version > version) changes.push([key, { kind: "modify", order: item.version, known }]);
    }
    for (const [key, gone] of this.#tombstones) {
      if (gone.version > version && gone.first <= version) changes.push([key, { kind: "leave", order: gone.version, known: true }]);
    }
    changes.sort((left, right) => left[1].order - right[1].order);
    return new Map(changes);
  }

  #forgetOldTombstones(): void {
    if (this.#tombstones.size <= this.#maxTombstones) return;
    const oldest = first(this.#tombstones);
    if (oldest === undefined) return;
    this.#tombstones.delete(oldest[0]);
    this.#floor = oldest[1].version;
  }

  #parse(token: string): number {
    const match = /^(\d{1,18})-(\d{1,15})$/.exec(token);
    if (match === null) throw VimFault.invalidArgument("resume_token", `"${token}" is no token of this service`);
    const version = Number(match[2]);
    if (BigInt(match[1] ?? "0") !== this.#epoch || version < this.#floor || version > this.#version) {
      throw VimFault.invalidCollectorVersion(this.#token(this.#floor));
    }
    return version;
  }

  /** For a reader that has heard all up to `version`. One that has heard all there is has passed what came and went untold as well. */
  #tokenAfter(watcher: Watcher, version: number): string {
    return this.#token(watcher.pending.size === 0 ? this.#version : version);
  }

  #token(version: number): string {
    return `${this.#epoch}-${version}`;
  }
}

/** Waits for a change; false when none came in time. The end of the watch wakes it, too. */
function changeComes(watcher: Watcher, { monotonic, bookmarkMs }: WatchOptions): Promise<boolean> {
  return new Promise((resolve) => {
    const done = (): void => {
      timer.cancel();
      watcher.wake = () => undefined;
      resolve(watcher.pending.size > 0);
    };
    const timer = monotonic.timer(bookmarkMs, done);
    watcher.wake = done;
  });
}

function first<V>(map: ReadonlyMap<string, V>): readonly [string, V] | undefined {
  for (const entry of map) return entry;
  return undefined;
}
