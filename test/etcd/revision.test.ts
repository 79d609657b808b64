import assert from "node:assert/strict";
import { it } from "node:test";
import { crc32c } from "../../src/etcd/storage/crc32c.js";
import { decodeRevision, encodeRevision } from "../../src/etcd/storage/revision.js";
import { fc } from "../support/properties.js";

it("writes revisions as etcd does", () => {
  assert.equal(encodeRevision(5, 0, true).toString("hex"), "00000000000000055f000000000000000074");
  assert.equal(encodeRevision(2 ** 40 + 1, 258, false).toString("hex"), "00000100000000015f0000000000000102");
});

it("reads back what it wrote, and sorts bytes as history", () => {
  const revision = fc.record({ main: fc.nat({ max: Number.MAX_SAFE_INTEGER }), sub: fc.nat(), tombstone: fc.boolean() });
  fc.assert(
    fc.property(revision, revision, (a, b) => {
      const [left, right] = [a, b].map(({ main, sub, tombstone }) => encodeRevision(main, sub, tombstone, 3)) as [Buffer, Buffer];
      assert.deepEqual(decodeRevision(left, 3), { ...a });
      const order = a.main - b.main || a.sub - b.sub || Number(a.tombstone) - Number(b.tombstone);
      assert.equal(Math.sign(Buffer.compare(left.subarray(3), right.subarray(3))), Math.sign(order));
    }),
  );
});

it("refuses what is no revision", () => {
  for (const bytes of ["", "00", "00".repeat(17), "00".repeat(19)]) assert.throws(() => decodeRevision(Buffer.from(bytes, "hex")), /not a revision key/);
});

it("computes CRC-32C", () => {
  assert.equal(crc32c(0, Buffer.from("123456789")), 0xe3069283);
  assert.equal(crc32c(crc32c(0, Buffer.from("12345")), Buffer.from("6789")), 0xe3069283);
});
