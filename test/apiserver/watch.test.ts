import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { podKind } from "../../src/apiserver/kinds/pod.js";
import { deleteObject } from "../../src/apiserver/rest/delete.js";
import { Filter } from "../../src/apiserver/rest/selection.js";
import { editObject } from "../../src/apiserver/rest/update.js";
import { checkWatchQuery, watchObjects, type WatchEvent, type WatchQuery } from "../../src/apiserver/rest/watch.js";
import type { Stored } from "../../src/apiserver/storage/stored.js";
import { eventually } from "../support/eventually.js";
import { Fixture, writing } from "./registry-fixture.js";

const query = (more: Partial<WatchQuery> = {}): WatchQuery => ({ namespace: "", labelSelector: "", fieldSelector: "", resourceVersion: "", resourceVersionMatch: "", sendInitialEvents: undefined, allowWatchBookmarks: false, ...more });

/** `ADDED web`, `BOOKMARK 7`. */
function shown(event: WatchEvent): string {
  if (event.type === "BOOKMARK") return `BOOKMARK${event.endsInitialEvents ? " end" : ""}`;
  return event.type === "ERROR" ? `ERROR ${event.status.code}` : `${event.type} ${event.object.object.metadata.name}`;
}

describe("watches", () => {
  let fixture: Fixture;
  let stop: AbortController;
  beforeEach(async () => {
    fixture = await Fixture.start();
    stop = new AbortController();
  });
  afterEach(async () => {
    stop.abort();
    await fixture.stop();
  });

  async function* open(wanted: WatchQuery, bookmarkMs = 60_000): AsyncGenerator<WatchEvent> {
    for await (const events of watchObjects(fixture.registry, podKind, wanted, new Filter(podKind, wanted.namespace, wanted), bookmarkMs, stop.signal)) yield* events;
  }
  const take = async (events: AsyncIterator<WatchEvent>, count: number): Promise<string[]> => {
    const seen: string[] = [];
    while (seen.length < count) {
      const next = await events.next();
      if (next.done) break;
      seen.push(shown(next.value));
    }
    return seen;
  };
  const label = (name: string, labels: Record<string, string>): Promise<unknown> =>
    editObject(fixture.registry, podKind, "default", name, (pod) => ({ ...pod, metadata: { ...pod.metadata, labels } }), writing());

  test("without a version: what is there first, then what changes", async () => {
    await fixture.pod("a");
    const events = open(query());
    assert.deepEqual(await take(events, 1), ["ADDED a"]);
    await fixture.pod("b");
    await label("a", { x: "1" });
    await deleteObject(fixture.registry, podKind, "default", "a", {}, writing());
    assert.deepEqual(await take(events, 3), ["ADDED b", "MODIFIED a", "DELETED a"]);
  });

  test("from 0, one name (kubectl get pod NAME -w): the object as it is comes first, for kubectl drops one event; then each change once", async () => {
    await fixture.pod("other");
    await fixture.pod("a");
    await fixture.registry.cache.waitFor(fixture.backend.revision, 1_000);
    const events = open(query({ namespace: "default", fieldSelector: "metadata.name=a", resourceVersion: "0" }));
    assert.deepEqual(await take(events, 1), ["ADDED a"]);
    await label("a", { x: "1" });
    await label("other", { x: "1" });
    await label("a", { x: "2" });
    const labels: unknown[] = [];
    while (labels.length < 2) {
      const { type, object } = (await events.next()).value as { readonly type: string; readonly object: Stored };
      labels.push([type, object.object.metadata.labels]);
    }
    assert.deepEqual(labels, [["MODIFIED", { x: "1" }], ["MODIFIED", { x: "2" }]]);
  });

  test("what is known at the same time comes together, at most 64 at once", async () => {
    const names = Array.from({ length: 70 }, (_, index) => `pod-${String(index).padStart(2, "0")}`);
    for (const name of names) await fixture.pod(name);
    const wanted = query();
    const batches = watchObjects(fixture.registry, podKind, wanted, new Filter(podKind, "", wanted), 60_000, stop.signal)[Symbol.asyncIterator]();
    const size = async (): Promise<number> => ((await batches.next()).value as readonly WatchEvent[]).length;
    const sizes = [await size(), await size()];
    const third = size();
    // What one message of the store tells reaches the cache in one go.
    const objects = names.slice(0, 2).map((name) => fixture.registry.cached(podKind, "default", name)!);
    const { subscribers } = fixture.registry.cache.shelf(podKind.prefix);
    await eventually("the watch is subscribed", () => subscribers.size === 1);
    for (const subscriber of subscribers) for (const object of objects) subscriber.onEvent({ type: "MODIFIED", key: object.key, revision: object.revision + 1_000, object });
    sizes.push(await third);
    assert.deepEqual(sizes, [64, 6, 2]);
  });

  test("from a version: every later change, from history, with the deletion's revision", async () => {
    const { revision } = await fixture.pod("a");
    await label("a", { x: "1" });
    await deleteObject(fixture.registry, podKind, "default", "a", {}, writing());
    await fixture.registry.cache.waitFor(fixture.backend.revision, 1_000);
    const events = open(query({ resourceVersion: String(revision) }));
    assert.deepEqual(await take(events, 1), ["MODIFIED a"]);
    const gone = (await events.next()).value as { readonly type: string; readonly object: Stored };
    assert.deepEqual([gone.type, gone.object.object.metadata.resourceVersion, gone.object.object.metadata.labels], ["DELETED", String(fixture.backend.revision), { x: "1" }]);
  });

  test("an object that leaves the selection is DELETED, one that enters is ADDED", async () => {
    await fixture.pod("a");
    const events = open(query({ labelSelector: "x=1", resourceVersion: String(fixture.backend.revision) }));
    const first = events.next();
    await label("a", { x: "1" });
    assert.equal(shown((await first).value as WatchEvent), "ADDED a");
    await label("a", { x: "1", y: "2" });
    await label("a", { x: "2" });
    assert.deepEqual(await take(events, 2), ["MODIFIED a", "DELETED a"]);
  });

  test("bookmarks come only to those who ask", async () => {
    const events = open(query({ resourceVersion: String(fixture.backend.revision), allowWatchBookmarks: true }), 100);
    const next = events.next();
    await fixture.monotonic.advance(100);
    assert.equal(shown((await next).value as WatchEvent), "BOOKMARK");
  });

  test("sendInitialEvents ends its first part with the marked bookmark", async () => {
    await fixture.pod("a");
    await fixture.pod("b");
    const events = open(query({ sendInitialEvents: true, resourceVersionMatch: "NotOlderThan", allowWatchBookmarks: true }));
    assert.deepEqual(await take(events, 3), ["ADDED a", "ADDED b", "BOOKMARK end"]);
    await fixture.pod("c");
    assert.deepEqual(await take(events, 1), ["ADDED c"]);
  });

  test("sendInitialEvents has rules: 422 without NotOlderThan or without bookmarks", () => {
    assert.throws(() => checkWatchQuery(query({ sendInitialEvents: true, allowWatchBookmarks: true })), { code: 422 });
    assert.throws(() => checkWatchQuery(query({ sendInitialEvents: true, resourceVersionMatch: "NotOlderThan" })), { code: 422 });
    assert.throws(() => checkWatchQuery(query({ resourceVersionMatch: "NotOlderThan" })), { code: 400 });
    assert.throws(() => checkWatchQuery(query({ resourceVersion: "abc" })), { code: 400 });
  });

  test("a version before the cache began is served from the store, a compacted one is one ERROR 410", async () => {
    const { revision } = await fixture.pod("a");
    await label("a", { x: "1" });
    await fixture.registry.cache.waitFor(fixture.backend.revision, 1_000);
    // As after a restart: what the cache remembers begins now.
    const shelf = fixture.registry.cache.shelf(podKind.prefix);
    shelf.reset(fixture.backend.revision);
    assert.deepEqual(await take(open(query({ resourceVersion: String(revision) })), 1), ["MODIFIED a"]);
    fixture.backend.compacted = fixture.backend.revision;
    const events = open(query({ resourceVersion: String(revision) }));
    assert.deepEqual(await take(events, 2), ["ERROR 410"]);
  });

  test("a watch ends when its signal aborts", async () => {
    const events = open(query({ resourceVersion: String(fixture.backend.revision) }));
    const next = events.next();
    stop.abort();
    assert.equal((await next).done, true);
  });
});
