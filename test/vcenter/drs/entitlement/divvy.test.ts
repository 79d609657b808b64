import assert from "node:assert/strict";
import { test } from "node:test";
import { divvy } from "../../../../src/vcenter/drs/entitlement/divvy.js";

interface Sibling {
  readonly floor?: number;
  readonly knee?: number;
  readonly cap: number;
  readonly shares: number;
}

function divided(amount: number, siblings: readonly Sibling[], idleCost = 1): number[] {
  const column = (of: (sibling: Sibling) => number): Float64Array => Float64Array.from(siblings, of);
  const bounds = { floor: column(({ floor = 0 }) => floor), knee: column(({ knee, cap }) => knee ?? cap), cap: column(({ cap }) => cap) };
  const given = new Float64Array(siblings.length);
  divvy(amount, Int32Array.from(siblings.keys()), 0, siblings.length, bounds, column(({ shares }) => shares), idleCost, given);
  return [...given];
}

test("what Bronze returns goes to Gold", () => {
  assert.deepEqual(divided(200, [{ cap: 180, shares: 4 }, { cap: 25, shares: 1 }]), [175, 25]);
});

test("the reservation comes first, the rest by shares", () => {
  assert.deepEqual(divided(100, [{ floor: 40, cap: 100, shares: 1 }, { cap: 100, shares: 2 }]), [60, 40]);
});

test("reservations that do not fit are cut alike", () => {
  assert.deepEqual(divided(30, [{ floor: 40, cap: 50, shares: 9 }, { floor: 20, cap: 50, shares: 1 }]), [20, 10]);
  assert.deepEqual(divided(0, [{ floor: 40, cap: 50, shares: 9 }, { cap: 50, shares: 1 }]), [0, 0]);
});

test("who has no shares gets what the others cannot take, as if each had one", () => {
  assert.deepEqual(divided(100, [{ cap: 200, shares: 1 }, { cap: 200, shares: 0 }]), [100, 0]);
  assert.deepEqual(divided(100, [{ cap: 60, shares: 1 }, { cap: 10, shares: 0 }, { cap: 50, shares: 0 }, { floor: 5, cap: 5, shares: 0 }]), [60, 10, 25, 5]);
  assert.deepEqual(divided(100, [{ cap: 200, shares: 0 }, { cap: 200, shares: 0 }]), [50, 50]);
});

test("idle memory costs four times: of equal shares the busy VM keeps four MB for each idle one", () => {
  // The idle VM has 20 active and the rest idle: beyond 20 each of its MB costs four.
  assert.deepEqual(divided(120, [{ cap: 100, shares: 1 }, { knee: 20, cap: 100, shares: 1 }], 4), [84, 36]);
  assert.deepEqual(divided(120, [{ cap: 100, shares: 1 }, { knee: 20, cap: 100, shares: 1 }], 1), [60, 60]);
});

test("a hundred thousand siblings, of which each has twice the shares of another, are divided to the last bit that counts", () => {
  // Caps fall as shares grow: rounds that only dropped the next one to its cap would be many.
  const siblings = Array.from({ length: 100_000 }, (_, index) => ({ cap: 1 + (index % 1000), shares: 2 ** (index % 31) }));
  const amount = siblings.reduce((sum, { cap }) => sum + cap, 0) * 0.9;
  const given = divided(amount, siblings);
  assert.ok(Math.abs(given.reduce((sum, has) => sum + has, 0) - amount) <= 1e-9 * amount);
  const level = Math.max(...given.map((has, index) => has / (siblings[index] as Sibling).shares));
  for (const [index, has] of given.entries()) {
    const { cap, shares } = siblings[index] as Sibling;
    assert.ok(has === cap || Math.abs(has / shares - level) <= 1e-9 * level, `sibling ${index} is capped or stands at the level of all`);
  }
});
