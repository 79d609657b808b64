import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../../src/base/clock.js";
import { podConfig, vmConfig } from "./guest-configs.js";
import { LEANINGS, mixedSet } from "./mixed-set.js";
import { PLACERS, type PlacerName } from "./placers.js";
import { unservedMean } from "./quality-figures.js";
import { replay, type ReplayFigures } from "./replay.js";
import type { Guest, Workload } from "./workload.js";

const HOUR_S = 3600;
const hosts = ["a", "b"].map((name) => ({ name, cores: 8, memoryMb: 32_768 }));

/** A pod of so many cores that uses what it requests. */
function pod(id: string, cores: number, arriveS: number, leaveS: number): Guest {
  const request = { cpuMilli: cores * 1000, memoryMib: 1024 };
  return { id, config: podConfig(id, request, request), request, use: { kind: "constant", always: { cpuMhz: cores * 2500, memoryMb: 1024 } }, arriveS, leaveS, foundOn: undefined };
}

/** A VM of eight cores without reservation, found on a host, that uses so many of them. */
function busyVm(id: string, foundOn: number, cores: number): Guest {
  return { id, config: vmConfig(id, 8, 8192, { cpuMhz: 0, memoryMb: 0 }), request: { cpuMilli: 0, memoryMib: 0 }, use: { kind: "constant", always: { cpuMhz: cores * 2500, memoryMb: 1024 } }, arriveS: 0, leaveS: HOUR_S, foundOn };
}

function played(guests: readonly Guest[], placer: PlacerName, rules: Workload["rules"] = []): ReplayFigures {
  return replay({ name: "by hand", hosts, guests, rules, endS: HOUR_S }, placer, 1, new ManualClock());
}

test("the books of a small replay: first fit fills one host, and a pod that no host has room for is refused for as long as it would have stayed", () => {
  const guests = [pod("p-0", 5, 0, HOUR_S), pod("p-1", 5, 600, 1200), pod("p-2", 5, 900, 1800), pod("p-3", 5, 1200, 1800)];
  const { pods, unserved } = played(guests, "first fit");
  // p-0 on a, p-1 on b, p-2 nowhere; p-1 leaves in the second in which p-3 comes.
  assert.deepEqual(pods, { asked: 4, admitted: 3 });
  assert.equal(unserved.refused.cpuMhz, 900 * 12_500);
  assert.equal(unserved.short.cpuMhz, 0);
  assert.equal(unserved.demand.cpuMhz, (3600 + 600 + 900 + 600) * 12_500);
});

test("DRS puts a pod beside the idle VM, LeastAllocated sees no difference", () => {
  const guests = [busyVm("busy", 0, 7), busyVm("idle", 1, 0), pod("p-0", 4, 0, HOUR_S)];
  assert.equal(played(guests, "DRS").unserved.short.cpuMhz, 0);
  const chosen = Array.from({ length: 20 }, (_, seed) => replay({ name: "by hand", hosts, guests, rules: [], endS: HOUR_S }, "LeastAllocated", seed, new ManualClock()).unserved.short.cpuMhz);
  assert.deepEqual([...new Set(chosen)].toSorted((left, right) => left - right), [0, 3 * 2500 * HOUR_S]);
});

test("DRS, running, moves a VM off a host that is short; a pod stays", () => {
  const guests = [busyVm("vm-0", 0, 5), busyVm("vm-1", 0, 5), pod("p-0", 1, 0, HOUR_S)];
  const running = played(guests, "DRS, running");
  assert.equal(running.migrations, 1);
  assert.equal(running.unserved.short.cpuMhz, 2 * 2500 * 60, "for the minute before the first pass");
  assert.equal(played(guests, "DRS").unserved.short.cpuMhz, 2 * 2500 * HOUR_S);
});

test("rules are obeyed by every placer: first fit does not put together what is to be kept apart", () => {
  const guests = [pod("p-0", 1, 0, HOUR_S), pod("p-1", 1, 1, HOUR_S), pod("p-2", 1, 2, HOUR_S)];
  const rules = [{ kind: "apart", key: 1, name: "apart", vms: new Set(["p-0", "p-1", "p-2"]) }] as const;
  for (const placer of PLACERS) assert.deepEqual([played(guests, placer, rules).pods.admitted, played(guests, placer, rules).ruleViolations], [2, 0], placer);
});

test("broken rules are counted where they are found", () => {
  const vms = [busyVm("vm-0", 0, 1), busyVm("vm-1", 0, 1)];
  const rules = [{ kind: "apart", key: 1, name: "apart", vms: new Set(["vm-0", "vm-1"]) }] as const;
  assert.equal(played(vms, "DRS", rules).ruleViolations, 1);
  assert.equal(played(vms, "DRS, running", rules).migrations, 1);
});

test("a mixed set is the same for the same seed, and its rules are obeyed when the day begins", () => {
  const options = { hosts: 8, leaning: "cpu", seed: 5 } as const;
  assert.deepEqual(mixedSet(options), mixedSet(options));
  assert.notDeepEqual(mixedSet(options), mixedSet({ ...options, seed: 6 }));
  const found = { ...mixedSet(options), guests: mixedSet(options).guests.filter(({ foundOn }) => foundOn !== undefined) };
  assert.equal(replay(found, "DRS", 5, new ManualClock()).ruleViolations, 0);
});

test("on a small mixed set DRS leaves less unserved than the others, and everyone admits the same", () => {
  for (const leaning of LEANINGS) {
    const workload = mixedSet({ hosts: 12, leaning, seed: 1 });
    const [first, least, drs, running] = PLACERS.map((placer) => replay(workload, placer, 1, new ManualClock()));
    assert.ok(first !== undefined && least !== undefined && drs !== undefined && running !== undefined);
    for (const { pods, vms, ruleViolations } of [first, least, drs, running]) assert.deepEqual([pods.admitted, vms.admitted, ruleViolations], [480, 36, 0]);
    const unserved = [first, least, drs, running].map(unservedMean);
    assert.deepEqual(unserved, unserved.toSorted((left, right) => right - left), `${leaning}: ${unserved.join(", ")}`);
    assert.ok((unserved[2] ?? 0) < 0.9 * (unserved[1] ?? 0), `${leaning}: ${unserved.join(", ")}`);
    assert.deepEqual(replay(workload, "DRS, running", 1, new ManualClock()), running);
  }
});
