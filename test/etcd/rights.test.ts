import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Rights } from "../../src/etcd/auth/rights.js";
import { inRange, rangeOf } from "../../src/etcd/key-index/key-range.js";
import { permission } from "./signed-in.js";
import { fc } from "../support/properties.js";

const asked = (key: string, rangeEnd = "") => rangeOf(Buffer.from(key), Buffer.from(rangeEnd));

describe("rights", () => {
  it("joins what overlaps and what touches, as in the example", () => {
    const rights = new Rights([permission("READ", "a"), permission("READ", "b", "d"), permission("READ", "d", "f"), permission("READWRITE", "e", "g"), permission("WRITE", "x", "\0")]);
    const cases: [string, string, boolean, boolean][] = [
      ["a", "", true, false],
      ["a", "c", false, false],
      ["aa", "", false, false],
      ["c", "g", true, false],
      ["c", "g\0", false, false],
      ["e", "g", true, true],
      ["d", "\0", false, false],
      ["x", "\0", false, true],
      ["xyz", "xz", false, true],
    ];
    for (const [key, end, read, write] of cases) assert.deepEqual([rights.cover(asked(key, end), "read"), rights.cover(asked(key, end), "write")], [read, write], `${key} to ${end}`);
  });

  it("grants nothing by an empty range", () => {
    const rights = new Rights([permission("READ", "c", "a"), permission("READ", "d", "d")]);
    assert.deepEqual(["a", "b", "c", "d"].map((key) => rights.cover(asked(key), "read")), [false, false, false, false]);
  });

  it("covers a range just if it covers each of its keys", () => {
    // Keys of one or two letters out of three, and one after them all: few enough to try each.
    const letters = ["a", "b", "c"];
    const keys = [...letters, ...letters.flatMap((first) => ["\0", ...letters].map((second) => first + second)), "d"].sort();
    const key = fc.constantFrom(...keys);
    const given = fc.record({ kind: fc.constantFrom("READ" as const, "WRITE" as const, "READWRITE" as const), key, end: fc.oneof(fc.constantFrom("", "\0"), key) });
    fc.assert(
      fc.property(fc.array(given, { maxLength: 6 }), key, fc.oneof(fc.constantFrom("", "\0"), key), (permissions, start, end) => {
        fc.pre(end === "" || end === "\0" || start < end);
        const rights = new Rights(permissions.map(({ kind, key: first, end: last }) => permission(kind, first, last)));
        const range = asked(start, end);
        for (const access of ["read", "write"] as const) {
          const granted = permissions.filter(({ kind }) => kind === "READWRITE" || kind === access.toUpperCase()).map(({ key: first, end: last }) => asked(first, last));
          // Of a range between two of these keys every key would have to be granted; its own and each one's successors stand for them.
          const probes = keys.flatMap((name) => [name, `${name}\0`, `${name}~`]).filter((name) => inRange(range, name));
          const open = range.end === undefined ? ["~"] : [];
          const expected = [range.start, ...probes, ...open].every((name) => granted.some((interval) => inRange(interval, name)));
          assert.equal(rights.cover(range, access), expected, access);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
