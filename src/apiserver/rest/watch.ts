import { badRequest, invalid, type Status, StatusError, tooOldRevision } from "../errors.js";
import type { Kind } from "../kinds/kind.js";
import type { Registry } from "../registry.js";
import type { Selection } from "../request.js";
import { CompactedError } from "../storage/backend.js";
import { Stored } from "../storage/stored.js";
import type { ObjectEvent } from "../storage/watch-cache.js";
import { listObjects, parseRevision } from "./list.js";
import type { Filter } from "./selection.js";

/** What a watch asks for (`meta/v1 ListOptions`). */
export interface WatchQuery extends Selection {
  readonly namespace: string;
  readonly resourceVersion: string;
  readonly resourceVersionMatch: string;
  readonly sendInitialEvents: boolean | undefined;
  readonly allowWatchBookmarks: boolean;
}

/** One event as a watcher sees it. */
export type WatchEvent =
  | { readonly type: "ADDED" | "MODIFIED" | "DELETED"; readonly object: Stored }
  | { readonly type: "BOOKMARK"; readonly revision: number; readonly endsInitialEvents: boolean }
  | { readonly type: "ERROR"; readonly status: Status };

/** Events that may wait for a slow client before its watch is ended. */
const BACKLOG_LIMIT = 16_384;
/** Events handed on together: what the store tells in one go costs a client one write. */
const BATCH_LIMIT = 64;

/** Example: of 130 changes of which 100 are seen, 64 and 36. */
function* seenBatches(events: readonly ObjectEvent[], filter: Filter): Iterable<readonly WatchEvent[]> {
  let batch: WatchEvent[] = [];
  for (const event of events) {
    const shown = seen(event, filter);
    if (shown === undefined) continue;
    batch.push(shown);
    if (batch.length < BATCH_LIMIT) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/**
 * How a filtered watcher sees a change: leaving the selection is DELETED (the old content at the new revision), entering
 * it is ADDED.
 */
export function seen(event: ObjectEvent, filter: Filter): WatchEvent | undefined {
  const now = event.type !== "DELETED" && filter.matches(event.object.object);
  const before = event.previous !== undefined && filter.matches(event.previous.object);
  if (now) return { type: before ? "MODIFIED" : "ADDED", object: event.object };
  if (!before) return undefined;
  return { type: "DELETED", object: event.type === "DELETED" ? event.object : event.previous.at(event.revision) };
}

/** Checks the combination of parameters as upstream does; sendInitialEvents has rules of its own. */
export function checkWatchQuery(query: WatchQuery): void {
  if (query.resourceVersion !== "") parseRevision(query.resourceVersion);
  if (query.sendInitialEvents === undefined) {
    if (query.resourceVersionMatch !== "") throw badRequest("resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided");
    return;
  }
  const causes = [];
  if (query.resourceVersionMatch !== "NotOlderThan") {
    causes.push({ reason: "FieldValueForbidden", message: "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan", field: "resourceVersionMatch" });
  }
  if (query.sendInitialEvents && !query.allowWatchBookmarks) {
    causes.push({ reason: "FieldValueForbidden", message: "Forbidden: sendInitialEvents requires allowWatchBookmarks", field: "allowWatchBookmarks" });
  }
  if (causes.length > 0) throw invalid({ group: "meta.k8s.io", kind: "ListOptions" }, "", causes);
}

/** A queue between the cache and one client: bounded, so that a client that does not read cannot fill the memory. */
class Feed {
  readonly #waiting: ObjectEvent[] = [];
  #wake: (() => void) | undefined;
  #isLost = false;

  get isLost(): boolean {
    return this.#isLost;
  }

  push(event: ObjectEvent): void {
    if (this.#isLost) return;
    if (this.#waiting.length >= BACKLOG_LIMIT) return this.lose();
    this.#waiting.push(event);
    this.#wake?.();
  }

  lose(): void {
    this.#isLost = true;
    this.#wake?.();
  }

  wake(): void {
    this.#wake?.();
  }

  take(): ObjectEvent[] {
    return this.#waiting.splice(0);
  }

  wait(): Promise<void> {
    if (this.#waiting.length > 0 || this.#isLost) return Promise.resolve();
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = undefined;
        resolve();
      };
    });
  }
}

/** The changes after `revision`, read from etcd itself because the cache's history does not reach back that far. */
async function* fromStore(registry: Registry, prefix: string, revision: number, signal: AbortSignal): AsyncIterable<readonly ObjectEvent[]> {
  for await (const { events } of registry.backend.watch(prefix, revision + 1, signal, { previous: true })) {
    yield events.flatMap((event): ObjectEvent[] => {
      const previous = event.previous ? Stored.fromRow(event.previous) : undefined;
      if (event.type === "put" && event.row) {
        return [{ type: previous ? "MODIFIED" : "ADDED", key: event.key, revision: event.revision, object: Stored.fromRow(event.row), ...(previous ? { previous } : {}) }];
      }
      return previous ? [{ type: "DELETED", key: event.key, revision: event.revision, object: previous.at(event.revision), previous }] : [];
    });
  }
}

/**
 * Watches objects of a kind until `signal` aborts; what is known at the same time comes together, in order.
 *
 * Without a resource version (or with 0) the present objects come first, as ADDED; with one, every change after it.
 * A revision that is compacted is answered by one ERROR event of 410 Expired.
 */
export async function* watchObjects(registry: Registry, kind: Kind, query: WatchQuery, filter: Filter, bookmarkMs: number, signal: AbortSignal): AsyncIterable<readonly WatchEvent[]> {
  checkWatchQuery(query);
  const initial = query.sendInitialEvents ?? (query.resourceVersion === "" || query.resourceVersion === "0");
  let revision = query.resourceVersion === "" ? 0 : parseRevision(query.resourceVersion);
  if (initial) {
    // "0" takes any state; a stated or absent version wants one that is at least as new.
    const cached = query.resourceVersion === "0" || (revision > 0 && registry.cache.revision >= revision);
    const page = await listObjects(registry, kind, { ...query, limit: 0, continueToken: "", resourceVersion: cached ? "0" : "", resourceVersionMatch: "" });
    for (let from = 0; from < page.items.length; from += BATCH_LIMIT) yield page.items.slice(from, from + BATCH_LIMIT).map((object) => ({ type: "ADDED", object }));
    revision = page.revision;
    if (query.sendInitialEvents) yield [{ type: "BOOKMARK", revision, endsInitialEvents: true }];
  } else if (revision === 0) {
    revision = registry.cache.revision;
  }

  const shelf = registry.cache.shelf(kind.prefix);
  const past = shelf.since(revision);
  if (!past) {
    yield* watchFromStore(registry, kind, filter, revision, signal);
    return;
  }
  const feed = new Feed();
  const subscriber = { onEvent: (event: ObjectEvent) => feed.push(event), onLost: () => feed.lose() };
  shelf.subscribers.add(subscriber);
  const onAbort = (): void => feed.wake();
  signal.addEventListener("abort", onAbort);
  let bookmarkDue = false;
  const nextBookmark = (): { cancel(): void } =>
    registry.monotonic.timer(bookmarkMs, () => {
      bookmarkDue = true;
      feed.wake();
    });
  let bookmark = nextBookmark();
  try {
    yield* seenBatches(past, filter);
    while (!signal.aborted) {
      yield* seenBatches(feed.take().filter((event) => event.revision > revision), filter);
      if (feed.isLost || signal.aborted) return;
      if (bookmarkDue) {
        bookmarkDue = false;
        bookmark = nextBookmark();
        if (query.allowWatchBookmarks) yield [{ type: "BOOKMARK", revision: Math.max(registry.cache.revision, revision), endsInitialEvents: false }];
      }
      await feed.wait();
    }
  } finally {
    bookmark.cancel();
    signal.removeEventListener("abort", onAbort);
    shelf.subscribers.delete(subscriber);
  }
}

async function* watchFromStore(registry: Registry, kind: Kind, filter: Filter, revision: number, signal: AbortSignal): AsyncIterable<readonly WatchEvent[]> {
  try {
    for await (const events of fromStore(registry, kind.prefix, revision, signal)) yield* seenBatches(events, filter);
  } catch (error) {
    if (signal.aborted) return;
    if (error instanceof CompactedError) yield [{ type: "ERROR", status: tooOldRevision(revision, error.compactRevision).toStatus() }];
    else if (error instanceof StatusError) yield [{ type: "ERROR", status: error.toStatus() }];
    else throw error;
  }
}
