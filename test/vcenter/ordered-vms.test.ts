import assert from "node:assert/strict";
import { test } from "node:test";
import { atOnce } from "../../src/base/slices.js";
import type { Inventory } from "../../src/vcenter/inventory/inventory.js";
import { orderedVms } from "../../src/vcenter/inventory/ordered-vms.js";
import type { VmRecord } from "../../src/vcenter/store/records.js";
import { fc } from "../support/properties.js";

const inventoryOf = (numbers: readonly number[]): Inventory => ({ vms: numbers.map((number) => ({ moid: `vm-${number}` })) }) as unknown as Inventory;

test("the worked example: vm-4097, vm-2 and vm-1", () => {
  assert.deepEqual(atOnce(orderedVms(inventoryOf([4097, 2, 1]))).map(({ moid }) => moid), ["vm-1", "vm-2", "vm-4097"]);
});

test("in whatever order they come and whatever is left out, they are in order of their numbers", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 20_000 })), fc.integer({ min: 1, max: 5 }), (numbers, nth) => {
      const isListed = ({ moid }: Pick<VmRecord, "moid">): boolean => Number(moid.slice(3)) % nth === 0;
      const listed = atOnce(orderedVms(inventoryOf(numbers), isListed)).map(({ moid }) => Number(moid.slice(3)));
      assert.deepEqual(listed, numbers.filter((number) => number % nth === 0).toSorted((left, right) => left - right));
    }),
  );
});

test("a hundred thousand are put in order in slices, none of which is all the work", () => {
  const work = orderedVms(inventoryOf(Array.from({ length: 100_000 }, (_, index) => 100_000 - index)));
  let slices = 1;
  for (let step = work.next(); step.done !== true; step = work.next()) slices += 1;
  assert.ok(slices >= 45, `${slices}`);
});
