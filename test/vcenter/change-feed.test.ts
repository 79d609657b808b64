import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../src/base/clock.js";
import { ChangeFeed, type FeedUpdate } from "../../src/vcenter/inventory/change-feed.js";
import type { VimFault } from "../../src/vcenter/vim-fault.js";
import { fc } from "../support/properties.js";

type Update = FeedUpdate<string>;

/** A feed over a map, and a watch read step by step. */
function setUp(maxTombstones?: number): { feed: ChangeFeed<string>; objects: Map<string, string>; put: (key: string, value: string) => void; remove: (key: string) => void } {
  const objects = new Map<string, string>();
  const feed = new ChangeFeed<string>(3n, (key) => objects.get(key), maxTombstones);
  return {
    feed,
    objects,
    put: (key, value) => {
      objects.set(key, value);
      feed.changed(key);
    },
    remove: (key) => {
      objects.delete(key);
      feed.removed(key);
    },
  };
}

function watching(feed: ChangeFeed<string>, token: string, monotonic = new ManualClock(), gatherMs?: number): { next: () => Promise<Update>; stop: () => Promise<unknown> } {
  const over = new AbortController();
  const updates = feed.watch(token, { signal: over.signal, monotonic, bookmarkMs: 10_000, gatherMs });
  return {
    next: async () => (await updates.next()).value as Update,
    stop: () => {
      over.abort();
      return updates.return();
    },
  };
}

const line = (update: Update): string => `${update.kind}${"key" in update ? ` ${update.key}` : ""}${"object" in update ? `=${update.object}` : ""}`;

async function upToSynced(feed: ChangeFeed<string>, token: string): Promise<string[]> {
  const watch = watching(feed, token);
  const lines: string[] = [];
  for (let update = await watch.next(); ; update = await watch.next()) {
    lines.push(line(update));
    if (update.kind === "synced") break;
  }
  await watch.stop();
  return lines;
}

test("the worked example: a enters, b enters, a changes, b leaves", async () => {
  const { feed, put, remove } = setUp();
  put("a", "1");
  put("b", "1");
  put("a", "2");
  remove("b");
  assert.deepEqual(await upToSynced(feed, ""), ["enter a=2", "synced"]);
  assert.deepEqual(await upToSynced(feed, "3-1"), ["modify a=2", "synced"]);
  assert.deepEqual(await upToSynced(feed, "3-2"), ["modify a=2", "leave b", "synced"]);
  assert.deepEqual(await upToSynced(feed, "3-4"), ["synced"]);
  assert.equal(feed.watchers, 0);
});

test("a slow reader sees the last state of each object, and what came and went not at all", async () => {
  const { feed, put, remove } = setUp();
  put("a", "1");
  const watch = watching(feed, "");
  assert.equal(line(await watch.next()), "enter a=1");
  assert.equal(line(await watch.next()), "synced");
  put("b", "1");
  put("c", "1");
  put("b", "2");
  put("a", "2");
  remove("c");
  assert.equal(line(await watch.next()), "enter b=2");
  assert.equal(line(await watch.next()), "modify a=2");
  const quiet = watch.next();
  remove("a");
  assert.equal(line(await quiet), "leave a");
  await watch.stop();
});

test("a quiet watch gets a bookmark each time its time has passed, a change begins the time anew, and the end leaves no timer", async () => {
  const { feed, put } = setUp();
  const monotonic = new ManualClock();
  const watch = watching(feed, "", monotonic);
  assert.equal(line(await watch.next()), "synced");
  const first = watch.next();
  await monotonic.advance(10_000);
  assert.deepEqual(await first, { kind: "bookmark", token: "3-0" });
  const second = watch.next();
  await monotonic.advance(9_999);
  put("a", "1");
  assert.equal(line(await second), "enter a=1");
  let bookmarked = false;
  const third = watch.next().then((update) => {
    bookmarked = update?.kind === "bookmark";
  });
  await monotonic.advance(9_999);
  assert.equal(bookmarked, false);
  await monotonic.advance(1);
  await third;
  assert.equal(bookmarked, true);
  const last = watch.next();
  await monotonic.advance(0);
  assert.equal(monotonic.waiting, 1);
  await watch.stop();
  assert.equal(await last, undefined);
  assert.deepEqual([monotonic.waiting, feed.watchers], [0, 0]);
});

test("resuming from any token that was handed out loses nothing", async () => {
  const { feed, put, remove } = setUp();
  const watch = watching(feed, "");
  const known = new Map<string, string>();
  const steps: { token: string; known: Map<string, string> }[] = [];
  const take = async (): Promise<Update> => {
    const update = await watch.next();
    if ("object" in update) known.set(update.key, update.object);
    if (update.kind === "leave") known.delete(update.key);
    if (update.token !== "") steps.push({ token: update.token, known: new Map(known) });
    return update;
  };
  await take();
  for (let step = 0; step < 60; step += 1) {
    const key = `k${(step * 7) % 5}`;
    if (step % 4 === 3) remove(key);
    else put(key, String(step));
    if (step % 3 === 0) await take();
  }
  const final = new Map<string, string>();
  for (const text of await upToSynced(feed, "")) {
    const match = /^enter (\w+)=(\w+)$/.exec(text);
    if (match !== null) final.set(match[1] ?? "", match[2] ?? "");
  }
  assert.ok(steps.length > 10);
  for (const { token, known: then } of steps) {
    const replayed = new Map(then);
    for (const text of await upToSynced(feed, token)) {
      const match = /^(\w+) (\w+)(?:=(\w+))?$/.exec(text);
      if (match?.[1] === "leave") replayed.delete(match[2] ?? "");
      else if (match !== null) replayed.set(match[2] ?? "", match[3] ?? "");
    }
    assert.deepEqual(replayed, final, `from ${token}`);
  }
  await watch.stop();
});

test("a key that leaves and enters again is told as entering, and as gone to who knew its former life", async () => {
  const { feed, put, remove } = setUp();
  put("a", "1");
  const watch = watching(feed, "");
  assert.equal(line(await watch.next()), "enter a=1");
  assert.equal(line(await watch.next()), "synced");
  remove("a");
  put("a", "2");
  assert.equal(line(await watch.next()), "enter a=2");
  assert.deepEqual(await upToSynced(feed, "3-1"), ["enter a=2", "synced"]);
  remove("a");
  put("a", "3");
  remove("a");
  assert.equal(line(await watch.next()), "leave a");
  assert.deepEqual(await upToSynced(feed, "3-1"), ["leave a", "synced"]);
  await watch.stop();
});

test("tokens that are gone, foreign or nonsense are refused", async () => {
  const { feed, put, remove } = setUp(2);
  for (const key of ["a", "b", "c"]) put(key, "1");
  for (const key of ["a", "b", "c"]) remove(key);
  const fault = async (token: string): Promise<string> =>
    watching(feed, token)
      .next()
      .then(
        () => "none",
        (error: unknown) => (error as VimFault).fault.$case,
      );
  assert.equal(await fault("3-3"), "invalidCollectorVersion");
  assert.equal(await fault("2-5"), "invalidCollectorVersion");
  assert.equal(await fault("3-99"), "invalidCollectorVersion");
  assert.equal(await fault("hello"), "invalidArgument");
  assert.deepEqual(await upToSynced(feed, "3-4"), ["leave b", "leave c", "synced"]);
});

test("a watch that gathers tells the first change after a rest at once, and what follows it together, each object as it is by then", async () => {
  const { feed, put, remove } = setUp();
  const clock = new ManualClock();
  const watch = watching(feed, "", clock, 100);
  assert.equal(line(await watch.next()), "synced");
  put("a", "1");
  assert.equal(line(await watch.next()), "enter a=1");
  const told: string[] = [];
  const reading = (async () => {
    for (let count = 0; count < 2; count += 1) told.push(line(await watch.next()));
  })();
  await clock.advance(10);
  put("a", "2");
  put("b", "1");
  put("c", "1");
  await clock.advance(89);
  put("a", "3");
  remove("c");
  assert.deepEqual(told, []);
  await clock.advance(1);
  await reading;
  assert.deepEqual(told, ["modify a=3", "enter b=1"]);
  await clock.advance(1_000);
  const next = watch.next();
  await clock.advance(100);
  put("b", "2");
  assert.equal(line(await next), "modify b=2");
  await watch.stop();
});

test("a list that is cut off half way is gone on with: what was not told yet enters, and nothing leaves twice", async () => {
  const { feed, put, remove } = setUp();
  put("a", "1");
  put("new", "1");
  put("b", "1");
  remove("a");
  put("new", "2");
  const cut = watching(feed, "3-1");
  assert.equal(line(await cut.next()), "enter new=2");
  const second = await cut.next();
  assert.equal(line(second), "enter b=1");
  await cut.stop();
  assert.deepEqual(await upToSynced(feed, second.token), ["leave a", "modify new=2", "synced"]);

  const live = watching(feed, "3-5");
  assert.equal(line(await live.next()), "synced");
  put("new", "3");
  put("b", "2");
  remove("new");
  assert.equal(line(await live.next()), "modify b=2");
  const gone = await live.next();
  assert.equal(line(gone), "leave new");
  await live.stop();
  assert.deepEqual(await upToSynced(feed, gone.token), ["synced"]);
});

test("what comes and goes before anybody hears of it is passed with the last that is told", async () => {
  const { feed, put, remove } = setUp();
  const watch = watching(feed, "");
  assert.equal(line(await watch.next()), "synced");
  put("brief", "1");
  put("a", "1");
  remove("brief");
  const last = await watch.next();
  assert.equal(line(last), "enter a=1");
  await watch.stop();
  assert.deepEqual(await upToSynced(feed, last.token), ["synced"]);
});

test("who has not heard that an object left hears it, also when it came and went again and its first end is forgotten", async () => {
  const { feed, put, remove } = setUp(2);
  for (const key of ["x", "a", "b", "c"]) put(key, "1");
  const slow = watching(feed, "3-4");
  assert.equal(line(await slow.next()), "synced");
  for (const key of ["x", "a", "b"]) remove(key);
  put("x", "2");
  remove("x");
  const last = await slow.next();
  assert.deepEqual([line(last), last.token], ["leave a", "3-6"]);
  await slow.stop();
  assert.deepEqual(await upToSynced(feed, last.token), ["leave b", "leave x", "synced"]);
});

/** What happens to a feed and its reader: a key changes or goes, the reader hears so many updates, or its connection is cut. */
const happening = fc.oneof(
  { weight: 4, arbitrary: fc.record({ what: fc.constant("put" as const), key: fc.nat(5) }) },
  { weight: 3, arbitrary: fc.record({ what: fc.constant("remove" as const), key: fc.nat(5) }) },
  { weight: 3, arbitrary: fc.record({ what: fc.constant("read" as const), count: fc.integer({ min: 1, max: 4 }) }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant("cut" as const) }) },
);

test("a reader that is slow and is cut off at any place knows what there is: nothing changes or leaves twice that it does not know", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(happening, { maxLength: 60 }), async (happenings) => {
      const { feed, objects, put, remove } = setUp();
      const known = new Map<string, string>();
      /** What it was told has left, and did not come back since, heard or unheard. */
      const left = new Set<string>();
      let token = "";
      let watch = watching(feed, token);
      let asked: Promise<Update> | undefined;
      const read = async (): Promise<boolean> => {
        asked ??= watch.next();
        const update = await Promise.race([asked, new Promise<undefined>((resolve) => void setImmediate(() => resolve(undefined)))]);
        if (update === undefined) return false;
        asked = undefined;
        if (update.token !== "") token = update.token;
        if (update.kind === "modify") assert.ok(known.has(update.key), `${update.key} changed and was not there`);
        if (update.kind === "leave") {
          assert.ok(!left.has(update.key), `${update.key} left twice`);
          left.add(update.key);
          known.delete(update.key);
        } else if ("object" in update) {
          known.set(update.key, update.object);
        }
        return true;
      };
      const cut = async (): Promise<void> => {
        await watch.stop();
        await asked;
        asked = undefined;
        // Half an inventory is not gone on with.
        if (token === "") known.clear();
        watch = watching(feed, token);
      };
      for (const [step, each] of happenings.entries()) {
        if (each.what === "put") {
          put(`k${each.key}`, String(step));
          left.delete(`k${each.key}`);
        }
        else if (each.what === "remove") remove(`k${each.key}`);
        else if (each.what === "cut") await cut();
        else for (let count = 0; count < each.count && (await read()); count += 1);
      }
      while (await read());
      assert.deepEqual(known, objects);
      await watch.stop();
    }),
    { numRuns: 300 },
  );
});
