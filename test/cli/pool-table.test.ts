import assert from "node:assert/strict";
import { test } from "node:test";
import { poolTable } from "../../src/cli/pool-table.js";
import { Inventory } from "../../src/gen/spheresim/vcenter/v1/inventory.js";

test("a pool whose reservation may grow of one resource alone is told of as that", () => {
  const shown = (cpu: boolean, memory: boolean): string => {
    const config = { cpuAllocation: { expandableReservation: cpu }, memoryAllocation: { expandableReservation: memory } };
    const [headings = "", row = ""] = poolTable(Inventory.fromPartial({ resourcePools: [{ ref: { type: "ResourcePool", value: "resgroup-9" }, name: "shop", config }] }), true).split("\n");
    const start = headings.indexOf("EXPANDABLE");
    return row.slice(start, start + 12).trim();
  };
  assert.deepEqual([shown(true, true), shown(false, false), shown(true, false), shown(false, true)], ["on", "off", "CPU only", "memory only"]);
});
