import assert from "node:assert/strict";
import { test } from "node:test";
import { toTimestamp } from "../../src/base/timestamp.js";
import { ContainerStats } from "../../src/gen/spheresim/crx/v1/stats.js";
import { CpuMeter } from "../../src/spherelet/stats/cpu-meter.js";
import { fc } from "../support/properties.js";

const NOBODY: ReadonlySet<string> = new Set();
const told = (containerId: string, cpuNanos: bigint): ContainerStats => ContainerStats.create({ name: "c", containerId, startedAt: toTimestamp(0), cpuNanos });

test("the worked example: 0.2 of a core, then 0.3, and the host's counter stays when the container goes", () => {
  const meter = new CpuMeter();
  assert.equal(meter.read("pod", told("a", 2_000_000_000n), 10_000).nanoCores, 200_000_000);
  meter.endRound(NOBODY);
  assert.equal(meter.read("pod", told("a", 5_000_000_000n), 20_000).nanoCores, 300_000_000);
  meter.endRound(NOBODY);
  meter.endRound(NOBODY);
  assert.deepEqual([meter.hostNanos, meter.size], [5_000_000_000n, 0]);
});

test("who asks again within a second is told the former rate, and nothing used meanwhile is lost to the next", () => {
  const meter = new CpuMeter();
  const rates = [[1_000n, 1_000], [1_400n, 1_200], [2_000n, 1_900], [3_000n, 3_000]].map(([ms, atMs]) => meter.read("pod", told("a", BigInt(ms!) * 1_000_000n), Number(atMs)).nanoCores);
  assert.deepEqual(rates, [1e9, 1e9, 1e9, 1e9]);
  // A clock set back begins anew and invents nothing.
  assert.equal(meter.read("pod", told("a", 3_000_000_000n), 500).nanoCores, 1e9);
  assert.equal(meter.read("pod", told("a", 3_500_000_000n), 1_500).nanoCores, 5e8);
});

test("a pod that does not answer keeps its place: its CPU time is not counted twice when it is back", () => {
  const meter = new CpuMeter();
  meter.read("pod", told("a", 100n), 10_000);
  meter.endRound(NOBODY);
  meter.endRound(new Set(["pod"]));
  meter.read("pod", told("a", 150n), 20_000);
  meter.endRound(NOBODY);
  assert.equal(meter.hostNanos, 150n);
});

test("property: the host's counter never falls and is the sum of what each container told last", () => {
  const round = fc.array(fc.record({ id: fc.constantFrom("a", "b", "c"), more: fc.nat(1_000) }), { maxLength: 4 });
  fc.assert(
    fc.property(fc.array(round, { maxLength: 20 }), (rounds) => {
      const meter = new CpuMeter();
      // A container that is not read for a round has gone; its name comes back as another one.
      const lives = new Map<string, { life: number; nanos: number }>();
      let sum = 0;
      let atMs = 0;
      for (const reads of rounds) {
        const before = meter.hostNanos;
        atMs += 1_000;
        for (const { id, more } of reads) {
          const life = lives.get(id) ?? { life: atMs, nanos: 0 };
          lives.set(id, life);
          life.nanos += more;
          sum += more;
          meter.read("pod", told(`${id}-${life.life}`, BigInt(life.nanos)), atMs);
        }
        meter.endRound(NOBODY);
        for (const id of lives.keys()) if (!reads.some((read) => read.id === id)) lives.delete(id);
        assert.ok(meter.hostNanos >= before);
        assert.deepEqual([meter.hostNanos, meter.size], [BigInt(sum), lives.size]);
      }
    }),
  );
});
