import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryHost, reserving35 } from "./golden-hosts.js";
import { chosenName } from "./host-rows.js";

const hosts = [memoryHost("A", 0, 0), memoryHost("B", 0, 0), memoryHost("C", 0, 0)];

test("equal hosts are drawn by the dice, the same one for the same seed", () => {
  assert.equal(chosenName(reserving35, hosts, 7), chosenName(reserving35, hosts, 7));
  assert.equal(new Set(Array.from({ length: 40 }, (_, seed) => chosenName(reserving35, hosts, seed))).size, 3);
});

test("the order in which hosts come does not change the draw", () => {
  for (let seed = 0; seed < 20; seed += 1) assert.equal(chosenName(reserving35, hosts.toReversed(), seed), chosenName(reserving35, hosts, seed));
});

test("of hosts that are all demanded beyond what they have, the least overloaded is chosen, not the one with the most unreserved", () => {
  assert.equal(chosenName(reserving35, [memoryHost("A", 20, 145), memoryHost("B", 60, 110)], 1), "B");
  assert.equal(chosenName(reserving35, [memoryHost("A", 60, 110), memoryHost("B", 20, 145)], 1), "A");
});
