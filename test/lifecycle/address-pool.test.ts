import assert from "node:assert/strict";
import { test } from "node:test";
import { NumberPool } from "../../src/lifecycle/address-pool.js";

test("goes round: what was given back rests longest", () => {
  const pool = new NumberPool(3);
  assert.deepEqual([pool.take(), pool.take()], [0, 1]);
  pool.release(0);
  assert.deepEqual([pool.take(), pool.take(), pool.take()], [2, 0, undefined]);
});

test("what is found in use is not handed out", () => {
  const pool = new NumberPool(4);
  pool.reserve(1);
  pool.reserve(99);
  assert.deepEqual([pool.take(), pool.take(), pool.take(), pool.take()], [2, 3, 0, undefined]);
});
