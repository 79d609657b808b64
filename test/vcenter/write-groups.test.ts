import assert from "node:assert/strict";
import { test } from "node:test";
import { inGroups, type Write } from "../../src/vcenter/store/write-groups.js";
import { fc } from "../support/properties.js";

const put = (key: string, value = ""): Write => ({ puts: [{ key, value }] });
const groupsOf = (writes: readonly Write[]): readonly (readonly Write[])[] => inGroups(writes, (write) => write);

test("the worked example: puts of a, b, a, c make two groups", () => {
  assert.deepEqual(groupsOf([put("a"), put("b"), put("a"), put("c")]), [
    [put("a"), put("b")],
    [put("a"), put("c")],
  ]);
});

test("a deleted key is a written one", () => {
  assert.equal(groupsOf([put("a"), { deletes: ["a"] }]).length, 2);
  assert.equal(groupsOf([put("a"), { deletes: ["b"] }]).length, 1);
});

test("a write too large to share stands alone, between the groups of those before and after it", () => {
  const large = put("large", "x".repeat(2_000_000));
  assert.deepEqual(groupsOf([put("a"), large, put("b")]), [[put("a")], [large], [put("b")]]);
});

const write: fc.Arbitrary<Write> = fc
  .record({ puts: fc.uniqueArray(fc.nat(400), { maxLength: 6 }), deletes: fc.uniqueArray(fc.integer({ min: 401, max: 600 }), { maxLength: 3 }), bytes: fc.nat(60_000) })
  .map(({ puts, deletes, bytes }) => ({ puts: puts.map((key) => ({ key: `/k/${key}`, value: "x".repeat(bytes) })), deletes: deletes.map((key) => `/k/${key}`), absent: puts.map((key) => `/k/${key}`) }));

test("all writes in their order, each group as etcd takes it: no key twice, 128 operations and conditions, far below 1.5 MiB", () => {
  fc.assert(
    fc.property(fc.array(write, { maxLength: 200 }), (writes) => {
      const groups = groupsOf(writes);
      assert.deepEqual(groups.flat(), writes);
      for (const group of groups) {
        const keys = group.flatMap(({ puts = [], deletes = [] }) => [...puts.map(({ key }) => key), ...deletes]);
        assert.equal(new Set(keys).size, keys.length);
        assert.ok(keys.length <= 128 && 1 + group.flatMap(({ absent = [] }) => absent).length <= 128);
        assert.ok(group.length === 1 || group.flatMap(({ puts = [] }) => puts).reduce((sum, { value }) => sum + value.length, 0) <= 500_000);
      }
    }),
    { numRuns: 50 },
  );
});
