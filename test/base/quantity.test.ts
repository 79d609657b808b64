import assert from "node:assert/strict";
import { test } from "node:test";
import { Quantity, QuantityError } from "../../src/base/quantity.js";
import { fc } from "../support/properties.js";

test("quantities are written as Kubernetes writes them", () => {
  const examples: readonly (readonly [string, string])[] = [
    ["0", "0"],
    ["0Gi", "0"],
    ["1", "1"],
    ["+1", "1"],
    ["-1", "-1"],
    ["0.5", "500m"],
    [".5", "500m"],
    ["5.", "5"],
    ["1000m", "1"],
    ["1500m", "1500m"],
    ["100m", "100m"],
    ["1000000", "1M"],
    ["1024", "1024"],
    ["1Ki", "1Ki"],
    ["1024Ki", "1Mi"],
    ["1536Mi", "1536Mi"],
    ["1.5Gi", "1536Mi"],
    ["64Gi", "64Gi"],
    ["65536Mi", "64Gi"],
    ["0.5Ki", "512"],
    ["0.001Ki", "1024m"],
    ["1e3", "1e3"],
    ["1E3", "1e3"],
    ["1e4", "10e3"],
    ["1E", "1E"],
    ["1Ei", "1Ei"],
    ["12.34", "12340m"],
    ["1u", "1u"],
    ["1000u", "1m"],
    ["0.1n", "1n"],
    ["1.0000000001", "1000000001n"],
    ["100k", "100k"],
    ["1e-3", "1e-3"],
    ["99999999999999999999", "9223372036854775807"],
  ];
  for (const [text, canonical] of examples) assert.equal(Quantity.parse(text).toString(), canonical, text);
});

test("what is no quantity is refused in the original's words", () => {
  for (const text of ["", "x", "1 Gi", "--1", "1Gib", "0x10"]) {
    assert.throws(() => Quantity.parse(text), { name: "QuantityError", message: "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'" }, text);
  }
  for (const text of ["1K", "1ki", "1mi", "1e", "1ee3", "1MM"]) assert.throws(() => Quantity.parse(text), { message: "unable to parse quantity's suffix" }, text);
  for (const text of [".", "1.2.3", "..1"]) assert.throws(() => Quantity.parse(text), { message: "unable to parse numeric part of quantity" }, text);
});

test("values are rounded up, as who asks for some should get some", () => {
  assert.equal(Quantity.parse("100m").milliValue(), 100n);
  assert.equal(Quantity.parse("100m").value(), 1n);
  assert.equal(Quantity.parse("1u").milliValue(), 1n);
  assert.equal(Quantity.parse("-1500m").value(), -2n);
  assert.equal(Quantity.parse("2.6").toNumber(), 2.6);
  assert.equal(Quantity.ofMilli(1500).toString(), "1500m");
  assert.equal(Quantity.of(1536n * 2n ** 20n, "BinarySI").toString(), "1536Mi");
});

test("a sum keeps the format of its first part that is not zero", () => {
  assert.equal(Quantity.zero.add(Quantity.parse("1Gi")).toString(), "1Gi");
  assert.equal(Quantity.parse("1Gi").add(Quantity.parse("1")).toString(), "1073741825");
  assert.equal(Quantity.parse("1").sub(Quantity.parse("200m")).toString(), "800m");
  assert.equal(JSON.stringify({ cpu: Quantity.parse("0.25") }), '{"cpu":"250m"}');
});

const suffixes = ["", "n", "u", "m", "k", "M", "G", "Ki", "Mi", "Gi", "e3", "E2", "e-2"] as const;
const texts = fc.tuple(fc.constantFrom("", "-", "+"), fc.integer({ min: 0, max: 1_000_000 }), fc.option(fc.stringMatching(/^[0-9]{1,6}$/)), fc.constantFrom(...suffixes));
const quantities = texts.map(([sign, whole, fraction, suffix]) => `${sign}${whole}${fraction === null ? "" : `.${fraction}`}${suffix}`);

test("writing and reading again changes nothing, and the canonical text is stable", () => {
  fc.assert(
    fc.property(quantities, (text) => {
      const first = Quantity.parse(text);
      const again = Quantity.parse(first.toString());
      assert.equal(again.nano, first.nano);
      assert.equal(again.toString(), first.toString());
      assert.doesNotMatch(first.toString(), /\./);
    }),
  );
});

test("sums and comparisons are those of the exact amounts", () => {
  fc.assert(
    fc.property(quantities, quantities, (left, right) => {
      const [a, b] = [Quantity.parse(left), Quantity.parse(right)];
      assert.equal(a.add(b).nano, a.nano + b.nano);
      assert.equal(a.add(b).sub(b).compare(a), 0);
      assert.equal(a.compare(b), -b.compare(a) + 0);
      assert.ok(a.max(b).compare(b) >= 0);
    }),
  );
});

test("only QuantityError is thrown, whatever the text", () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 12 }), (text) => {
      try {
        Quantity.parse(text);
      } catch (error) {
        assert.ok(error instanceof QuantityError);
      }
    }),
  );
});
