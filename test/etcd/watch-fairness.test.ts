import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Bench } from "./watch-bench.js";
import { eventTexts } from "./wire.js";

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
