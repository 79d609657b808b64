import assert from "node:assert/strict";
import { test } from "node:test";
import { vimName } from "../../../src/rpc/method-fault.js";
import { ruledOut } from "../../../src/vcenter/drs/decision-tree.js";
import type { HostCandidate } from "../../../src/vcenter/drs/host-candidate.js";
import type { VmShape } from "../../../src/vcenter/drs/vm-shape.js";

const good: HostCandidate = {
  moid: "host-21",
  name: "esxi-01",
  cores: 4,
  coreMhz: 2000,
  memoryMb: 8192,
  reach: "connected",
  poweredOn: true,
  inMaintenanceMode: false,
  inQuarantineMode: false,
  datastores: new Set(["ds1"]),
  networks: new Set(["net1"]),
  account: { capacity: { cpuMhz: 8000, memoryMb: 8192 }, reserved: { cpuMhz: 4000, memoryMb: 4096 }, active: { cpuMhz: 0, memoryMb: 0 }, demand: { cpuMhz: 0, memoryMb: 0 }, poweredOnVms: 0 },
};
const vm: VmShape = { isPod: true, numCpus: 1, memoryMb: 1024, reserved: { cpuMhz: 1000, memoryMb: 1050 }, overheadMemoryMb: 26, activity: undefined, datastores: ["ds1"], networks: ["net1"] };

function verdict(vmChange: Partial<VmShape>, hostChange: Partial<HostCandidate>): string | undefined {
  const fault = ruledOut({ ...vm, ...vmChange }, { ...good, ...hostChange });
  return fault === undefined ? undefined : vimName(fault.fault.$case);
}

test("each question of the tree rules out with its own vim25 fault", () => {
  assert.equal(verdict({}, {}), undefined);
  const cases: readonly [string, Partial<VmShape>, Partial<HostCandidate>][] = [
    ["InsufficientHostCpuCapacityFault", { reserved: { cpuMhz: 4001, memoryMb: 0 } }, {}],
    ["InsufficientHostMemoryCapacityFault", { reserved: { cpuMhz: 0, memoryMb: 4097 } }, {}],
    ["HostNotReachable", {}, { reach: "notResponding" }],
    ["HostNotConnected", {}, { reach: "disconnected" }],
    ["InvalidPowerState", {}, { poweredOn: false }],
    ["InvalidState", {}, { inMaintenanceMode: true }],
    ["InvalidState", {}, { inQuarantineMode: true }],
    ["NotEnoughCpus", { numCpus: 5 }, {}],
    ["MemorySizeNotSupported", { memoryMb: 8192 }, {}],
    ["CannotAccessDatastore", {}, { datastores: new Set() }],
    ["CannotAccessNetwork", {}, { networks: new Set(["net2"]) }],
  ];
  for (const [expected, vmChange, hostChange] of cases) assert.equal(verdict(vmChange, hostChange), expected);
});

test("the order is the article's: entitlement, host state, host compatibility", () => {
  assert.equal(verdict({ reserved: { cpuMhz: 9000, memoryMb: 0 }, numCpus: 64 }, { inMaintenanceMode: true }), "InsufficientHostCpuCapacityFault");
  assert.equal(verdict({ numCpus: 64 }, { inMaintenanceMode: true }), "InvalidState");
});

test("faults carry what is free and what was asked for", () => {
  const fault = ruledOut({ ...vm, reserved: { cpuMhz: 0, memoryMb: 5000 } }, good);
  assert.deepEqual(fault?.fault, { $case: "insufficientHostMemoryCapacityFault", value: { unreserved: 4096, requested: 5000, host: { type: "HostSystem", value: "host-21" } } });
});
