import assert from "node:assert/strict";
import { it } from "node:test";
import { atOnce } from "../../src/base/slices.js";
import { sorted } from "../../src/etcd/kv/sliced-sort.js";
import { fc } from "../support/properties.js";

const byNumber = (a: { readonly weight: number }, b: { readonly weight: number }): number => a.weight - b.weight;

it("orders as a stable sort in one stretch does, and leaves what it was given alone", () => {
  fc.assert(
    fc.property(fc.nat({ max: 5_000 }), fc.integer({ min: 1, max: 50 }), fc.nat(), (length, weights, seed) => {
      const items = Array.from({ length }, (_, index) => ({ weight: ((index + seed) * 7_919) % weights, index }));
      const before = [...items];
      assert.deepEqual(atOnce(sorted(items, byNumber)), [...items].sort(byNumber));
      assert.deepEqual(items, before);
    }),
    { numRuns: 60 },
  );
});

it("compares few times between two pauses", () => {
  let compared = 0;
  const items = Array.from({ length: 50_000 }, (_, index) => ({ weight: (index * 7_919) % 50_000 }));
  const work = sorted(items, (a, b) => ((compared += 1), byNumber(a, b)));
  let most = 0;
  for (let slice = work.next(); slice.done !== true; slice = work.next()) {
    most = Math.max(most, compared);
    compared = 0;
  }
  assert.ok(most > 1_000 && most < 10_000, `${most} comparisons in a slice`);
});
