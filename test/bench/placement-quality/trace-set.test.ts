import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../../src/base/clock.js";
import { replay } from "./replay.js";
import { readTrace, traceSet } from "./trace-set.js";

/** Two nodes of 8 cores and 32 GiB, one of 32 and 128; made up, in the form of the trace. */
const nodes = ["sn,cpu_milli,memory_mib,gpu,model", "node-0,8000,32768,0,", "node-1,8000,32768,0,", "node-2,32000,131072,8,G2", ""].join("\n");
const pods = [
  "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time",
  "pod-0,4000,8192,1,1000,,LS,Running,0,100,0",
  "pod-1,2000,4096,0,0,,Guaranteed,Running,10,60,10",
  "pod-2,16000,0,0,0,,BE,Pending,20,100,",
  "pod-3,16000,1024,0,0,,BE,Running,30,50,30",
  "pod-4,64000,1024,0,0,,BE,Failed,40,100,40",
  "",
].join("\n");
const files = { nodes, pods };

test("pods get limits of half as much again, guaranteed ones none, and a use between a fifth and all of them", () => {
  const { guests, hosts, endS } = traceSet(files, 1);
  assert.deepEqual(hosts.map(({ cores, memoryMb }) => [cores, memoryMb]), [[8, 32_768], [8, 32_768], [32, 131_072]]);
  assert.deepEqual(guests.map(({ config }) => [config.numCpus, config.memoryMb, config.cpuAllocation?.reservation]), [[6, 12_288, 10_000], [2, 4096, 5000], [24, 512, 40_000], [24, 1536, 40_000], [64, 1536, 160_000]]);
  for (const { use, config } of guests) {
    assert.ok(use.kind === "constant");
    const part = use.always.cpuMhz / (config.numCpus * 2500);
    assert.ok(part > 0.19 && part <= 1, `${part}`);
  }
  assert.equal(endS, 100);
  assert.deepEqual(traceSet(files, 1), traceSet(files, 1));
  assert.notDeepEqual(traceSet(files, 1), traceSet(files, 2));
});

test("a part of the nodes is taken evenly", () => {
  assert.deepEqual(traceSet(files, 1, 2).hosts.map(({ name }) => name), ["node-0", "node-1"]);
  assert.deepEqual(traceSet(files, 1, 1).hosts.map(({ name }) => name), ["node-0"]);
});

test("first fit keeps room for the large pods that those who spread refuse; nobody has a node for 64 cores", () => {
  const admitted = (["first fit", "LeastAllocated", "DRS"] as const).map((placer) => replay(traceSet(files, 1), placer, 1, new ManualClock()).pods);
  assert.deepEqual(admitted, [4, 3, 3].map((count) => ({ asked: 5, admitted: count })));
});

test("a directory without the trace has none", () => {
  assert.equal(readTrace("/nonexistent"), undefined);
});
