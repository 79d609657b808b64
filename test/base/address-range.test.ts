import assert from "node:assert/strict";
import { test } from "node:test";
import { Ipv4Range, MacRange } from "../../src/base/address-range.js";
import { fc } from "../support/properties.js";

test("an IPv4 range leaves out network, gateway and broadcast", () => {
  const range = new Ipv4Range("10.244.0.0/16");
  assert.deepEqual([range.size, range.prefixLength], [65_533, 16]);
  assert.equal(range.address(0), "10.244.0.2");
  assert.equal(range.address(range.size - 1), "10.244.255.254");
  assert.equal(range.indexOf("10.244.1.0"), 254);
  assert.equal(range.indexOf("10.245.0.2"), -1);
  assert.equal(range.indexOf(""), -1);
  assert.equal(new Ipv4Range("10.9.0.0/29").size, 5);
});

test("a text that is no range, is too small, too large or of IPv6 says what a range must be", () => {
  for (const text of ["", "x", "10.0.0.0", "10.0.0.0/31", "10.0.0.0/7", "10.0.0.0/x", "10.0.0.256/24", "fd00::/64", "10.0.0.0/24/24"]) assert.throws(() => new Ipv4Range(text), { name: "RangeError", message: "must be an IPv4 range from /8 to /29, such as 10.244.0.0/16" }, text);
  assert.throws(() => new Ipv4Range("10.244.3.0/16"), { message: "must begin at its first address: 10.244.0.0/16" });
});

test("ranges overlap where one address is in both", () => {
  const pairs: readonly (readonly [string, string, boolean])[] = [
    ["10.244.0.0/16", "10.245.0.0/16", false],
    ["10.244.0.0/16", "10.244.255.0/24", true],
    ["10.0.0.0/8", "10.245.7.0/24", true],
    ["192.168.0.8/29", "192.168.0.0/29", false],
    ["192.168.0.8/29", "192.168.0.0/28", true],
  ];
  for (const [one, other, shared] of pairs) {
    assert.equal(new Ipv4Range(one).overlaps(new Ipv4Range(other)), shared, `${one} ${other}`);
    assert.equal(new Ipv4Range(other).overlaps(new Ipv4Range(one)), shared, `${other} ${one}`);
  }
});

test("MACs go from the first to the last; NSX' prefix is the usual one", () => {
  const range = new MacRange("04:50:56:00:00:00-04:50:56:ff:ff:ff");
  assert.equal(range.size, 2 ** 24);
  assert.equal(range.address(0x00900d), "04:50:56:00:90:0d");
  assert.equal(range.indexOf("04:50:56:00:90:0d"), 0x00900d);
  assert.equal(range.indexOf("00:50:56:00:90:0d"), -1);
  const few = new MacRange("02:00:00:00:00:FE-02:00:00:00:01:01");
  assert.deepEqual([few.size, few.address(0), few.address(3), few.indexOf("02:00:00:00:01:02")], [4, "02:00:00:00:00:fe", "02:00:00:00:01:01", -1]);
});

test("a text that is no range of MACs says what one must be", () => {
  for (const text of ["", "04:50:56", "04:50:56:00:00:00", "04:50:56:00:00:00-x", "04:50:56:00:00:00-04:50:56:00:00:01-1"]) assert.throws(() => new MacRange(text), /must be the first and the last MAC address/, text);
  for (const text of ["04:50:56:00:00:02-04:50:56:00:00:01", "04:50:56:00:00:00-04:50:57:00:00:00"]) assert.throws(() => new MacRange(text), /must go upwards and hold at most 16777216/, text);
  assert.throws(() => new MacRange("05:50:56:00:00:00-05:50:56:00:00:ff"), /the first byte is even/);
});

const prefixLengths = fc.integer({ min: 8, max: 29 });
const ranges = fc.tuple(fc.nat(2 ** 32 - 1), prefixLengths).map(([number, length]) => {
  const base = number - (number % 2 ** (32 - length));
  return `${[24, 16, 8, 0].map((shift) => Math.floor(base / 2 ** shift) % 256).join(".")}/${length}`;
});

test("property: the n-th address of a range is the range's n-th, and no neighbour's", () => {
  fc.assert(
    fc.property(ranges, ranges, fc.nat(), (cidr, otherCidr, draw) => {
      const [range, other] = [new Ipv4Range(cidr), new Ipv4Range(otherCidr)];
      const index = draw % range.size;
      const address = range.address(index);
      assert.equal(range.indexOf(address), index);
      assert.equal(range.overlaps(range), true);
      assert.equal(range.overlaps(other), other.overlaps(range));
      if (other.indexOf(address) >= 0) assert.equal(range.overlaps(other), true);
      if (!range.overlaps(other)) assert.equal(other.indexOf(address), -1);
    }),
  );
});

test("property: the n-th MAC of a range is the range's n-th, whatever the range", () => {
  fc.assert(
    fc.property(fc.nat(2 ** 39), fc.integer({ min: 0, max: 2 ** 24 - 1 }), fc.nat(), (start, span, draw) => {
      const textOf = (number: number): string => number.toString(16).padStart(12, "0").match(/../g)!.join(":");
      const first = start - (start % 2 ** 24);
      const range = new MacRange(`${textOf(first)}-${textOf(first + span)}`);
      const index = draw % range.size;
      assert.deepEqual([range.size, range.indexOf(range.address(index)), range.address(0)], [span + 1, index, textOf(first)]);
    }),
  );
});
