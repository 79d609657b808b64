import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Dice } from "../../src/base/seeded-random.js";
import { Bench, type Reader } from "./watch-bench.js";
import { fc } from "../support/properties.js";

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
    // One response is in the hand of the reader; the rest waits for it in few responses, or will be read from history again.
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
    // More than may wait for a reader.
    const long = "v".repeat(32 * 1024);
    for (let index = 0; index < 300; index += 1) await bench.put("a", `${index}${long}`);
    await bench.store.compact(290, false);
    reader.release();
    const events = (await reader.events()).map((event) => event.replace(long, ""));
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

  it("does not come to streams that were opened together at the same moment, and never more than a tenth late", async () => {
    const bench = await Bench.open();
    const dice = new Dice(1);
    const readers = Array.from({ length: 8 }, () => bench.stream(dice));
    for (const reader of readers) reader.create({ progressNotify: true });
    await bench.clock.advance(999);
    const told: number[][] = [];
    for (let ms = 1_000; ms <= 1_100; ms += 10) {
      await bench.clock.advance(ms - bench.clock.nowMs());
      await readers[0]?.settle();
      told.push(readers.map(({ responses }) => responses.length - 1));
    }
    assert.deepEqual(told[0], [0, 0, 0, 0, 0, 0, 0, 0]);
    assert.deepEqual(told.at(-1), [1, 1, 1, 1, 1, 1, 1, 1]);
    const moments = new Set(readers.map((_, index) => told.findIndex((at) => at[index] === 1)));
    assert.ok(moments.size >= 4, `${moments.size} moments`);
    for (const reader of readers) await reader.close();
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
