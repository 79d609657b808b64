import assert from "node:assert/strict";
import { test } from "node:test";
import { hostGrants, hostSums } from "../../../src/vcenter/drs/pass/host-grants.js";
import { LoadMeter } from "./load-meter.js";
import { fc } from "../../support/properties.js";

const mhz = (cpuMhz: number): { readonly cpuMhz: number; readonly memoryMb: number } => ({ cpuMhz, memoryMb: 0 });
const hosts = [{ cpuMhz: 100, memoryMb: 1000 }, { cpuMhz: 100, memoryMb: 1000 }];

test("the worked example: one host short, one not", () => {
  const meter = new LoadMeter(hosts, 3600);
  meter.want(0, mhz(130), 1);
  meter.want(1, mhz(40), 1);
  meter.advanceTo(10);
  assert.equal(meter.unserved.demand.cpuMhz, 1700);
  assert.equal(meter.unserved.short.cpuMhz, 300);
  assert.equal(meter.unserved.unavoidable.cpuMhz, 0);
  assert.ok(Math.abs(meter.spread.standardDeviation - 0.45) < 1e-9);
  assert.ok(Math.abs(meter.spread.range - 0.9) < 1e-9);
});

test("time counts: what was wanted for longer weighs more, in stretches and in all", () => {
  const meter = new LoadMeter(hosts, 10);
  meter.want(0, mhz(150), 1);
  meter.advanceTo(5);
  meter.want(0, mhz(150), -1);
  meter.want(undefined, { cpuMhz: 20, memoryMb: 7 }, 1);
  meter.want(1, { cpuMhz: 0, memoryMb: 1500 }, 1);
  meter.advanceTo(25);
  assert.deepEqual(meter.stretches.map(({ fromS, demand, short, refused }) => [fromS, demand.cpuMhz, short.cpuMhz, refused.cpuMhz, demand.memoryMb, short.memoryMb, refused.memoryMb]), [
    [0, 850, 250, 100, 7535, 2500, 35],
    [10, 200, 0, 200, 15_070, 5000, 70],
    [20, 100, 0, 100, 7535, 2500, 35],
  ]);
  assert.equal(meter.unserved.refused.cpuMhz, 400);
  assert.equal(meter.spread.range, 1.5);
});

test("what all hosts together cannot give, nobody could have given", () => {
  const meter = new LoadMeter(hosts, 3600);
  meter.want(0, mhz(180), 1);
  meter.want(1, mhz(60), 1);
  meter.advanceTo(1);
  assert.deepEqual([meter.unserved.short.cpuMhz, meter.unserved.unavoidable.cpuMhz], [80, 40]);
});

test("what stays unserved is what DRS's hosts do not grant", () => {
  const guest = fc.record({ host: fc.integer({ min: 0, max: 1 }), wanted: fc.integer({ min: 0, max: 80 }), title: fc.double({ min: 0, max: 1, noNaN: true }), floor: fc.double({ min: 0, max: 1, noNaN: true }) });
  fc.assert(
    fc.property(fc.array(guest, { maxLength: 12 }), (guests) => {
      const meter = new LoadMeter(hosts, 3600);
      for (const { host, wanted } of guests) meter.want(host, mhz(wanted), 1);
      meter.advanceTo(1);
      const wanted = Float64Array.from(guests, (each) => each.wanted);
      const entitled = Float64Array.from(guests, (each) => each.wanted * each.title);
      const input = { hostOf: Int32Array.from(guests, ({ host }) => host), capacity: Int32Array.of(100, 100), wanted, entitled, guaranteed: (vm: number) => (guests[vm]?.floor ?? 0) * (entitled[vm] ?? 0) };
      const granted = hostGrants(input, hostSums(input));
      const missing = wanted.reduce((sum, each, vm) => sum + each - (granted[vm] ?? 0), 0);
      assert.ok(Math.abs(missing - meter.unserved.short.cpuMhz) < 1e-6, `${missing} ${meter.unserved.short.cpuMhz}`);
    }),
  );
});
