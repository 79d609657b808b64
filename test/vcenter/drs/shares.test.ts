import assert from "node:assert/strict";
import { test } from "node:test";
import { SharesLevel } from "../../../src/gen/spheresim/vim/v1/resource.js";
import { completeShares, vmMemoryShares } from "../../../src/vcenter/drs/shares.js";

test("a level gets its number, whatever number came with it; a custom number stays; nothing stated is normal", () => {
  const numberOf = (level: SharesLevel): number => level * 100;
  assert.deepEqual(completeShares({ level: SharesLevel.HIGH, shares: 7 }, numberOf), { level: SharesLevel.HIGH, shares: 300 });
  assert.deepEqual(completeShares({ level: SharesLevel.CUSTOM, shares: 7 }, numberOf), { level: SharesLevel.CUSTOM, shares: 7 });
  for (const nothing of [undefined, { level: SharesLevel.UNSPECIFIED, shares: 7 }]) assert.deepEqual(completeShares(nothing, numberOf), { level: SharesLevel.NORMAL, shares: 200 });
});

test("shares stay an int32", () => {
  assert.equal(vmMemoryShares(SharesLevel.HIGH, 1_073_741_824), 2_147_483_647);
});
