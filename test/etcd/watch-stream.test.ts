import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { ManualClock } from "../../src/base/clock.js";
import { ResponseHeader, WatchCreateRequest, WatchResponse } from "../../src/gen/etcd/etcdserverpb/rpc.js";
import { MemoryTable } from "../../src/etcd/memory-table.js";
import { Store } from "../../src/etcd/store.js";
import { WatchHub } from "../../src/etcd/watch-hub.js";
import { WatchStream } from "../../src/etcd/watch-stream.js";
import { eventTexts } from "./wire.js";

/** A store, a hub, and streams whose reader can stand still. */
class Bench {
  readonly clock = new ManualClock();
  readonly store: Store;
  hub: WatchHub;

  private constructor(store: Store) {
    this.store = store;
    this.hub = new WatchHub(store);
  }

  static async open(): Promise<Bench> {
    return new Bench(await Store.open(new MemoryTable(), { onFailure: assert.fail }));
  }

  put(key: string, value = "v"): Promise<void> {
    return this.store.write((txn) => txn.put(key, Buffer.from(value), 0n));
  }

  delete(key: string): Promise<unknown> {
    return this.store.write((txn) => txn.delete({ start: key, end: `${key}\0`, single: true }, false));
  }

  /** Forgets what memory holds of the past, as a restart does. */
  forgetRecent(): void {
    this.hub.close();
    this.hub = new WatchHub(this.store);
  }

  stream(): Reader {
    return new Reader(this);
  }
}

class Reader {
  readonly responses: WatchResponse[] = [];
  readonly watches: WatchStream;
  readonly #running: Promise<void>;
  #held: (() => void)[] | undefined;

  constructor(bench: Bench) {
    this.watches = new WatchStream({
      hub: bench.hub,
      clock: bench.clock,
      headerAt: (revision) => ResponseHeader.create({ revision: BigInt(revision) }),
      progressIntervalMs: 1_000,
      send: async (message) => {
        this.responses.push(WatchResponse.decode(message));
        if (this.#held !== undefined) await new Promise<void>((resolve) => this.#held?.push(resolve) ?? resolve());
      },
    });
    this.#running = this.watches.run();
  }

  create(fields: Partial<WatchCreateRequest>): void {
    this.watches.create(WatchCreateRequest.create({ key: Buffer.from("a"), ...fields }));
  }

  /** From now on nothing more is read. */
  hold(): void {
    this.#held ??= [];
  }

  /** Reads on. */
  release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const go of held) go();
  }

  /** Everything that happens without time passing. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  }

  async events(): Promise<string[]> {
    await this.settle();
    return this.responses.flatMap(eventTexts);
  }

  async close(): Promise<void> {
    this.watches.close();
    this.release();
    await this.#running;
  }
}

describe("prev_kv", () => {
  for (const from of ["memory", "the log"]) {
    it(`is absent where the same revision deleted the key and made it again, read from ${from}`, async () => {
      const bench = await Bench.open();
      await bench.put("a", "1");
      await bench.store.write((txn) => {
        txn.delete({ start: "a", end: "a\0", single: true }, false);
        txn.put("a", Buffer.from("2"), 0n);
      });
      if (from === "the log") bench.forgetRecent();
      const reader = bench.stream();
      reader.create({ startRevision: 2n, prevKv: true });
      assert.deepEqual(await reader.events(), ["PUT a=1 @2", "DELETE a @3 was 1@2", "PUT a=2 @3"]);
      await reader.close();
    });
  }
});

describe("a watch that compaction ended", () => {
  it("keeps its id until the client cancels it too", async () => {
    const bench = await Bench.open();
    for (let index = 0; index < 3; index += 1) await bench.put("a");
    await bench.store.compact(4, true);
    const reader = bench.stream();
    reader.create({ startRevision: 2n, watchId: 7n });
    await reader.settle();
    reader.create({ watchId: 7n });
    reader.watches.cancel(7n);
    reader.watches.cancel(7n);
    reader.create({ watchId: 7n });
    await reader.settle();
    const said = reader.responses.map(({ watchId, created, canceled, cancelReason }) => [watchId, created, canceled, cancelReason]);
    assert.deepEqual(said, [
      [7n, true, false, ""],
      [7n, false, true, ""],
      [-1n, true, true, "mvcc: duplicate watch ID provided on the WatchStream"],
      [7n, false, true, ""],
      [7n, true, false, ""],
    ]);
    await reader.close();
  });
});

describe("a slow reader", () => {
  it("gets everything once and in order, while memory holds a bounded part of it", async () => {
    const bench = await Bench.open();
    const reader = bench.stream();
    reader.create({ key: Buffer.from("a"), rangeEnd: Buffer.from("b"), prevKv: true });
    await reader.settle();
    reader.hold();
    for (let index = 0; index < 1_000; index += 1) await bench.put(`a${index % 3}`, String(index));
    // One response is in the hand of the reader; the queue's limit is 128, the rest will be read from history again.
    assert.ok(reader.responses.length <= 2);
    reader.release();
    const events = await reader.events();
    assert.deepEqual(events.map((event) => event.split(" ")[1]), Array.from({ length: 1_000 }, (_, index) => `a${index % 3}=${index}`));
    assert.equal(events[999], "PUT a0=999 @1001 was 996@998");
    await bench.put("a9", "live");
    assert.equal((await reader.events()).at(-1), "PUT a9=live @1002");
    await reader.close();
  });

  it("is cancelled, never left with a gap, when history it needs is compacted", async () => {
    const bench = await Bench.open();
    const reader = bench.stream();
    reader.create({});
    await reader.settle();
    reader.hold();
    for (let index = 0; index < 300; index += 1) await bench.put("a", String(index));
    await bench.store.compact(290, false);
    reader.release();
    const events = await reader.events();
    const last = reader.responses.at(-1);
    assert.deepEqual([last?.canceled, last?.compactRevision], [true, 290n]);
    assert.deepEqual(events, Array.from({ length: events.length }, (_, index) => (index === 0 ? "PUT a=0 @2" : `PUT a=${index} @${index + 2}`)));
    await reader.close();
  });

  it("does not hold up others", async () => {
    const bench = await Bench.open();
    const [slow, quick] = [bench.stream(), bench.stream()];
    for (const reader of [slow, quick]) reader.create({});
    await slow.settle();
    slow.hold();
    for (let index = 0; index < 500; index += 1) await bench.put("a");
    assert.equal((await quick.events()).length, 500);
    await Promise.all([slow.close(), quick.close()]);
  });

  it("is not asked for more requests while answers wait", async () => {
    const bench = await Bench.open();
    const reader = bench.stream();
    reader.hold();
    for (let index = 0; index < 200; index += 1) reader.create({});
    let asked = false;
    const room = reader.watches.room().then(() => (asked = true));
    await reader.settle();
    assert.equal(asked, false);
    reader.release();
    await room;
    await reader.close();
  });
});

describe("fairness", () => {
  const everything = { key: Buffer.from("a"), rangeEnd: Buffer.from("z"), startRevision: 2n };

  it("gives each watch of a stream its turn: a long way back does not hold up a short one", async () => {
    const bench = await Bench.open();
    for (let index = 0; index < 4_000; index += 1) await bench.put("a");
    await bench.put("b");
    bench.forgetRecent();
    const reader = bench.stream();
    reader.create(everything);
    reader.create({ key: Buffer.from("b"), startRevision: 4_000n });
    await reader.events();
    const byWatch = reader.responses.filter(({ events }) => events.length > 0).map(({ watchId }) => watchId);
    assert.ok(byWatch.lastIndexOf(0n) > byWatch.indexOf(1n) + 2, byWatch.join());
    await reader.close();
  });

  it("lets a watch that is behind get on while others of its stream never rest", async () => {
    const bench = await Bench.open();
    await bench.put("b");
    const reader = bench.stream();
    reader.create({});
    await reader.settle();
    reader.hold();
    for (let index = 0; index < 100; index += 1) await bench.put("a");
    reader.create({ key: Buffer.from("b"), startRevision: 2n, watchId: 9n });
    // One event is taken whenever one comes: there are always about a hundred that wait.
    for (let index = 0; index < 200; index += 1) {
      await bench.put("a");
      reader.release();
      reader.hold();
      await new Promise((resolve) => setImmediate(resolve));
    }
    const told = reader.responses.filter(({ watchId, events }) => watchId === 9n && events.length > 0);
    assert.deepEqual(told.flatMap(eventTexts), ["PUT b=v @2"]);
    await reader.close();
  });

  it("does not let many streams' reading of history hold up what is live on another", async () => {
    const bench = await Bench.open();
    for (let index = 0; index < 5_000; index += 1) await bench.put("a");
    const live = bench.stream();
    live.create({ key: Buffer.from("b") });
    await live.settle();
    const late = Array.from({ length: 10 }, () => bench.stream());
    for (const reader of late) reader.create(everything);
    await bench.put("b");
    for (let turn = 0; live.responses.length < 2 && turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    const slices = late.reduce((sum, { responses }) => sum + responses.filter(({ events }) => events.length > 0).length, 0);
    assert.deepEqual([live.responses.length, slices < 10], [2, true], `${slices} slices of history came first`);
    for (let turn = 0; turn < 120; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    for (const reader of late) assert.equal((await reader.events()).length, 5_001);
    await Promise.all([live, ...late].map((reader) => reader.close()));
  });
});

describe("history", () => {
  it("is read from the log where memory does not reach, and joins what is live", async () => {
    const bench = await Bench.open();
    for (let index = 0; index < 1_200; index += 1) await bench.put(`a${index % 2}`, String(index));
    await bench.delete("a0");
    bench.forgetRecent();
    const reader = bench.stream();
    reader.create({ key: Buffer.from("a"), rangeEnd: Buffer.from("b"), startRevision: 2n, prevKv: true });
    await bench.put("a1", "live");
    const events = await reader.events();
    assert.equal(events.length, 1_202);
    assert.equal(events[2], "PUT a0=2 @4 was 0@2");
    assert.deepEqual(events.slice(-2), ["DELETE a0 @1202 was 1198@1200", "PUT a1=live @1203 was 1199@1201"]);
    for (const response of reader.responses) for (const event of response.events) assert.ok((response.header?.revision ?? 0n) >= (event.kv?.modRevision ?? 0n));
    await reader.close();
  });

  it("keeps a deletion at the compaction point for a watch from there (etcd issues 18089, 19179)", async () => {
    const bench = await Bench.open();
    await bench.put("a");
    await bench.delete("a");
    await bench.store.compact(3, true);
    bench.forgetRecent();
    const reader = bench.stream();
    reader.create({ startRevision: 3n });
    assert.deepEqual(await reader.events(), ["DELETE a @3"]);
    await reader.close();
  });
});

describe("progress", () => {
  it("comes on a timer to silent watches that want it, not to busy ones", async () => {
    const bench = await Bench.open();
    const reader = bench.stream();
    reader.create({ key: Buffer.from("a"), progressNotify: true });
    reader.create({ key: Buffer.from("b"), progressNotify: true });
    reader.create({ key: Buffer.from("c") });
    await reader.settle();
    await bench.put("b");
    await reader.settle();
    reader.responses.length = 0;
    await bench.clock.advance(1_000);
    await reader.settle();
    assert.deepEqual(reader.responses.map(({ watchId, header, events }) => [watchId, header?.revision, events.length]), [[0n, 2n, 0]]);
    await bench.clock.advance(1_000);
    await reader.settle();
    assert.deepEqual(reader.responses.slice(1).map(({ watchId }) => watchId), [0n, 1n]);
    await reader.close();
    assert.equal(bench.clock.waiting, 0);
  });

  it("on request waits for no one: nothing while a watch is behind, one answer when all are there (etcd issue 15220)", async () => {
    const bench = await Bench.open();
    for (let index = 0; index < 10; index += 1) await bench.put("a");
    bench.forgetRecent();
    const reader = bench.stream();
    reader.watches.requestProgress();
    reader.create({ startRevision: 2n });
    reader.watches.requestProgress();
    assert.equal((await reader.events()).length, 10);
    assert.ok(reader.responses.every(({ created, events }) => created || events.length > 0));
    reader.watches.requestProgress();
    await reader.settle();
    assert.deepEqual(reader.responses.slice(-1).map(({ watchId, header }) => [watchId, header?.revision]), [[-1n, 11n]]);
    await reader.close();
  });

  it("says nothing before the revision a watch begins at (etcd issue 20221)", async () => {
    const bench = await Bench.open();
    const reader = bench.stream();
    reader.create({ startRevision: 5n, progressNotify: true });
    await bench.put("a");
    reader.watches.requestProgress();
    await bench.clock.advance(1_000);
    await reader.settle();
    assert.equal(reader.responses.length, 1);
    for (let index = 0; index < 3; index += 1) await bench.put("a");
    assert.deepEqual(await reader.events(), ["PUT a=v @5"]);
    await reader.close();
  });
});

it("delivers ordered, unique, complete and whole revisions to any mix of readers", async () => {
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ kind: fc.constant("write" as const), keys: fc.uniqueArray(fc.constantFrom("a", "b", "c", "d"), { minLength: 1 }) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("watch" as const), back: fc.nat({ max: 30 }), from: fc.constantFrom("a", "b"), to: fc.constantFrom("", "c", "\0") }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom("hold", "release", "forget") }) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const bench = await Bench.open();
      const written: { revision: number; keys: string[] }[] = [];
      const readers: { reader: Reader; start: number; wants: (key: string) => boolean }[] = [];
      for (const action of steps) {
        if (action.kind === "write" && "keys" in action) {
          await bench.store.write((txn) => action.keys.forEach((key) => txn.put(key, Buffer.from("v"), 0n)));
          written.push({ revision: bench.store.revision, keys: action.keys });
        } else if (action.kind === "watch" && "back" in action) {
          const start = Math.max(2, bench.store.revision + 1 - action.back);
          const reader = bench.stream();
          reader.create({ key: Buffer.from(action.from), rangeEnd: Buffer.from(action.to), startRevision: BigInt(start) });
          const wants = (key: string): boolean => (action.to === "" ? key === action.from : key >= action.from && (action.to === "\0" || key < action.to));
          readers.push({ reader, start, wants });
        } else if (action.kind === "forget" && readers.length === 0) bench.forgetRecent();
        else for (const { reader } of readers) if (action.kind === "hold") reader.hold();
        else reader.release();
      }
      for (const { reader, start, wants } of readers) {
        reader.release();
        await reader.settle();
        const seen = reader.responses.flatMap(({ events }) => events.map(({ kv }) => `${kv?.modRevision} ${kv?.key.toString()}`));
        const expected = written.filter(({ revision }) => revision >= start).flatMap(({ revision, keys }) => keys.filter(wants).map((key) => `${revision} ${key}`));
        assert.deepEqual(seen, expected);
        const revisionsOf = reader.responses.map(({ events }) => new Set(events.map(({ kv }) => kv?.modRevision)));
        for (const [index, revisions] of revisionsOf.entries()) for (const revision of revisions) assert.ok(!revisionsOf[index + 1]?.has(revision), "a revision is in two responses");
        await reader.close();
      }
      await bench.store.close();
    }),
    { numRuns: 40 },
  );
});
