import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { KeyHistory } from "../../src/etcd/key-index/key-history.js";
import { KeyTable } from "../../src/etcd/key-index/key-table.js";
import { encodeRow } from "../../src/etcd/storage/row.js";
import { RowCache } from "../../src/etcd/storage/row-cache.js";
import { FactsReader } from "../../src/etcd/storage/row-facts.js";
import { fc } from "../support/properties.js";

describe("the facts of a row", () => {
  it("are read from the example's bytes", () => {
    assert.deepEqual({ ...new FactsReader().read(Buffer.from("0a01611002180220012a0176", "hex")) }, { key: "a", createRevision: 2, version: 1, lease: 0n });
  });

  it("are those the codec reads", () => {
    const reader = new FactsReader();
    const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), fc.maxSafeNat(), fc.maxSafeNat(), int64, fc.nat({ max: 300 }), (key, createRevision, version, lease, valueBytes) => {
        const row = encodeRow({ key: Buffer.from(key), createRevision, modRevision: 7, version, value: Buffer.alloc(valueBytes, 0xff), lease });
        assert.deepEqual({ ...reader.read(row) }, { key: Buffer.from(key).toString("latin1"), createRevision, version, lease });
        if (row.length > 1) assert.throws(() => reader.read(row.subarray(0, row.length - 1)), Error);
      }),
    );
  });
});

it("a table of keys is a map of keys, however full and emptied", () => {
  const step = fc.tuple(fc.constantFrom("add", "add", "remove"), fc.nat({ max: 3_000 }));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 4_000, minLength: 1_000 }), (steps) => {
      const table = new KeyTable();
      const model = new Map<string, KeyHistory>();
      for (const [what, number] of steps) {
        const key = `key/${number}`;
        if (what === "remove") {
          table.remove(key);
          model.delete(key);
        } else if (!model.has(key)) {
          const history = new KeyHistory(key);
          table.add(history);
          model.set(key, history);
        }
      }
      for (let number = 0; number <= 3_000; number += 1) assert.equal(table.get(`key/${number}`), model.get(`key/${number}`));
    }),
    { numRuns: 20 },
  );
});

describe("the cache of rows", () => {
  const [a, b, c, d] = ["a", "b", "c", "d"].map((key) => new KeyHistory(key)) as [KeyHistory, KeyHistory, KeyHistory, KeyHistory];
  const row = Buffer.alloc(100);

  it("forgets what was not used for longest, as in the example", () => {
    // Room for two rows of 100 bytes and what each costs besides, in each generation.
    const cache = new RowCache(2 * 2 * 300);
    for (const history of [a, b, c]) cache.set(history, row);
    assert.equal(cache.get(a), row);
    cache.set(d, row);
    assert.deepEqual([a, b, c, d].map((history) => cache.get(history) === row), [true, false, true, true]);
  });

  it("holds no outdated and no large row", () => {
    const cache = new RowCache(1_000_000);
    cache.set(a, row);
    cache.delete(a);
    cache.set(b, Buffer.alloc(65 * 1024));
    assert.deepEqual([cache.get(a), cache.get(b)], [undefined, undefined]);
  });
});
