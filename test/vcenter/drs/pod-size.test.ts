import assert from "node:assert/strict";
import { test } from "node:test";
import { sizePod } from "../../../src/vcenter/drs/pod-size.js";

const MIB = 1024n * 1024n;

test("init containers count when one of them is larger than the sum; memory goes up to 4 MB", () => {
  const config = sizePod({ name: "p", ownerUid: "uid", containers: [{ requestMemoryBytes: 600n * MIB }], initContainers: [{ requestCpuMilli: 3000 }, { requestMemoryBytes: 1025n * MIB }], overheadCpuMilli: 0, overheadMemoryBytes: 0n }, 2600);
  assert.equal(config.numCpus, 3);
  assert.equal(config.memoryMb, 1028);
  assert.equal(config.cpuAllocation?.reservation, 7800);
  assert.equal(config.memoryAllocation?.reservation, 1025);
});
