import assert from "node:assert/strict";
import { test } from "node:test";
import { descendingOrder } from "../../../src/vcenter/drs/descending-order.js";
import { fc } from "../../support/properties.js";

test("the largest key first, equal keys in the order given", () => {
  assert.deepEqual([...descendingOrder(Int32Array.of(0, 1, 2), Float64Array.of(5, 9, 5))], [1, 0, 2]);
  assert.deepEqual([...descendingOrder(new Int32Array(0), new Float64Array(0))], []);
});

test("it orders as a stable sort does", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(-Infinity, -3, 0, 0.5, 7, 100)), (keys) => {
      const indices = Int32Array.from(keys.keys()).filter((index) => index % 3 !== 1);
      const expected = [...indices].toSorted((left, right) => (keys[left] === keys[right] ? 0 : (keys[right] ?? 0) > (keys[left] ?? 0) ? 1 : -1));
      assert.deepEqual([...descendingOrder(indices, Float64Array.from(keys))], expected);
    }),
  );
});
