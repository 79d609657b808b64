import assert from "node:assert/strict";
import { test } from "node:test";
import { cpuDemandMhz } from "../../../src/vcenter/drs/cpu-demand.js";

test("of the time a VM was ready, the part counts that it runs of the time it need not wait", () => {
  assert.equal(cpuDemandMhz({ ranMhz: 1000, readyMhz: 600, sleptMhz: 1000 }), 1300);
  assert.equal(cpuDemandMhz({ ranMhz: 1000, readyMhz: 600, sleptMhz: 0 }), 1600);
  assert.equal(cpuDemandMhz({ ranMhz: 1000, readyMhz: 0, sleptMhz: 1600 }), 1000);
  assert.equal(cpuDemandMhz({ ranMhz: 0, readyMhz: 600, sleptMhz: 0 }), 600);
});
