import assert from "node:assert/strict";
import { it } from "node:test";
import { KeyIndex } from "../../src/etcd/key-index/key-index.js";
import { keyBytes, keyOf, rangeOf } from "../../src/etcd/key-index/key-range.js";
import { fc } from "../support/properties.js";

function keysIn(index: KeyIndex, start: string, end: string | undefined): string[] {
  const keys: string[] = [];
  index.visit({ start, end, single: false }, ({ key }) => keys.push(key) > 0);
  return keys;
}

it("keeps keys sorted like a sorted set", () => {
  const key = fc.string({ maxLength: 3, unit: fc.constantFrom("a", "b", "c", "\0", "\u00ff") });
  const step = fc.tuple(fc.constantFrom("add", "add", "add", "remove"), key);
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), key, key, (steps, start, end) => {
      const index = new KeyIndex();
      const model = new Set<string>();
      for (const [what, name] of steps) {
        if (what === "add") {
          index.ensure(name);
          model.add(name);
        } else {
          index.remove(name);
          model.delete(name);
        }
      }
      const sorted = [...model].sort((a, b) => Buffer.compare(keyBytes(a), keyBytes(b)));
      assert.equal(index.size, model.size);
      assert.deepEqual(keysIn(index, "", undefined), sorted);
      assert.deepEqual(keysIn(index, start, end), sorted.filter((name) => name >= start && name < end));
    }),
  );
});

it("splits blocks, and empties them again", () => {
  const index = new KeyIndex();
  const names = Array.from({ length: 5_000 }, (_, number) => String((number * 7_919) % 5_000).padStart(4, "0"));
  for (const name of names) index.ensure(name);
  assert.deepEqual(keysIn(index, "1000", "1003"), ["1000", "1001", "1002"]);
  assert.equal(keysIn(index, "", undefined).length, 5_000);
  assert.deepEqual(index.slice("4998", 10).map(({ key }) => key), ["4998", "4999"]);
  for (const name of names) index.remove(name);
  assert.deepEqual(keysIn(index, "", undefined), []);
});

it("reads ranges as etcd means them", () => {
  const range = (key: string, end: string) => rangeOf(Buffer.from(key), Buffer.from(end));
  assert.deepEqual(range("a", ""), { start: "a", end: "a\0", single: true });
  assert.deepEqual(range("a", "\0"), { start: "a", end: undefined, single: false });
  assert.deepEqual(range("a", "b"), { start: "a", end: "b", single: false });
  assert.equal(keyBytes(keyOf(Buffer.from([0, 128, 255]))).toString("hex"), "0080ff");
});
