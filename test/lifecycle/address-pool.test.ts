import assert from "node:assert/strict";
import { test } from "node:test";
import { Ipv4Range, macRange, NumberPool } from "../../src/lifecycle/address-pool.js";

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

test("an IPv4 range leaves out network, gateway and broadcast", () => {
  const range = new Ipv4Range("10.244.0.0/16");
  assert.equal(range.size, 65_533);
  assert.equal(range.address(0), "10.244.0.2");
  assert.equal(range.address(range.size - 1), "10.244.255.254");
  assert.equal(range.indexOf("10.244.1.0"), 254);
  assert.equal(range.indexOf("10.245.0.2"), -1);
  assert.equal(range.indexOf(""), -1);
  assert.throws(() => new Ipv4Range("10.0.0.0/31"), /must be an IPv4 range/);
  assert.throws(() => new Ipv4Range("x"), /must be an IPv4 range/);
});

test("MACs stand under NSX' prefix", () => {
  assert.equal(macRange.address(0x00900d), "04:50:56:00:90:0d");
  assert.equal(macRange.indexOf("04:50:56:00:90:0d"), 0x00900d);
  assert.equal(macRange.indexOf("00:50:56:00:90:0d"), -1);
});
