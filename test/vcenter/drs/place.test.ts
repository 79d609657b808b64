import assert from "node:assert/strict";
import { test } from "node:test";
import { Dice } from "../../../src/base/seeded-random.js";
import type { HostCandidate } from "../../../src/vcenter/drs/host-candidate.js";
import { place } from "../../../src/vcenter/drs/place.js";
import { memoryHost, reserving35 } from "./golden-hosts.js";

test("equal hosts are drawn by the dice, the same one for the same seed", () => {
  const hosts = [memoryHost("A", 0, 0), memoryHost("B", 0, 0), memoryHost("C", 0, 0)];
  const pick = (seed: number): string | undefined => place(reserving35, hosts, new Dice(seed)).chosen?.host.name;
  assert.equal(pick(7), pick(7));
  assert.equal(new Set(Array.from({ length: 40 }, (_, seed) => pick(seed))).size, 3);
});

test("the order in which hosts come does not change the draw", () => {
  const hosts = [memoryHost("A", 0, 0), memoryHost("B", 0, 0), memoryHost("C", 0, 0)];
  for (let seed = 0; seed < 20; seed += 1) {
    const pick = (order: readonly HostCandidate[]): string | undefined => place(reserving35, order, new Dice(seed)).chosen?.host.name;
    assert.equal(pick([...hosts].reverse()), pick(hosts));
  }
});
