import assert from "node:assert/strict";
import { test } from "node:test";
import { allocateClusterTree } from "../../../../src/vcenter/drs/entitlement/cluster-tree.js";
import { entitlements } from "../../../../src/vcenter/drs/entitlement/entitlement.js";
import { idleCost } from "../../../../src/vcenter/drs/entitlement/idle-tax.js";
import { fc } from "../../../support/properties.js";

test("a tax out of range is refused", () => {
  assert.equal(idleCost(0.75), 4);
  for (const tax of [-0.1, 1, NaN]) assert.throws(() => idleCost(tax), RangeError);
  assert.throws(() => entitlements(allocateClusterTree({ cpuMhz: 1, memoryMb: 1 }, 1, 0), { idleTax: 1 }), /the idle memory tax must be from 0 to 0.99, is 1/);
});

/** What a VM pays for a MB: Waldspurger's adjusted shares. */
function price(shares: number, heldMb: number, activeFraction: number, tax: number): number {
  return shares / (heldMb * (activeFraction + idleCost(tax) * (1 - activeFraction)));
}

const vms = fc.array(fc.record({ shares: fc.integer({ min: 1, max: 5000 }), consumedMb: fc.integer({ min: 4, max: 4000 }), activePercent: fc.nat({ max: 100 }) }), { minLength: 2, maxLength: 8 });

test("divided memory is a balance: who could use more pays the same adjusted price, who is full pays no less", () => {
  fc.assert(
    fc.property(vms, fc.constantFrom(0, 0.5, 0.75), fc.double({ min: 0.05, max: 0.95, noNaN: true }), (drawn, idleTax, part) => {
      const total = drawn.reduce((sum, { consumedMb }) => sum + consumedMb, 0);
      const tree = allocateClusterTree({ cpuMhz: 0, memoryMb: total * part }, 1, drawn.length);
      for (const [row, { shares, consumedMb, activePercent }] of drawn.entries()) {
        const { memory } = tree.vms;
        tree.vms.poweredOn[row] = 1;
        memory.shares[row] = shares;
        memory.sizeMb[row] = consumedMb;
        memory.consumedMb[row] = consumedMb;
        memory.activeMb[row] = (consumedMb * activePercent) / 100;
      }
      const { entitled, wanted } = entitlements(tree, { memoryMetric: "consumed", idleTax }).vms.memory;
      const prices = drawn.map(({ shares, consumedMb, activePercent }, row) => {
        const heldMb = entitled[row] as number;
        return price(shares, heldMb, Math.min(1, (consumedMb * activePercent) / 100 / heldMb), idleTax);
      });
      const pays = (row: number): number => prices[row] as number;
      const open = drawn.flatMap((_, row) => ((entitled[row] as number) < (wanted[row] as number) - 1e-6 ? [row] : []));
      assert.ok(open.length > 0, "there is not enough for all");
      const common = pays(open[0] as number);
      for (const row of open) assert.ok(Math.abs(pays(row) / common - 1) < 1e-6, `VM ${row} pays ${pays(row)}, another ${common}`);
      for (const row of drawn.keys()) assert.ok(pays(row) >= common * (1 - 1e-6), `VM ${row} pays ${pays(row)}, less than ${common}`);
    }),
    { numRuns: 500 },
  );
});
