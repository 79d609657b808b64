import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import { RangeResponse, ResponseHeader } from "../../src/gen/etcd/etcdserverpb/rpc.js";
import { encodeRow } from "../../src/etcd/row.js";
import { encodeRange, StoredRange } from "../../src/etcd/stored-range.js";

const row = (key: string, value: string): Buffer => encodeRow({ key: Buffer.from(key), createRevision: 2, modRevision: 2, version: 1, value: Buffer.from(value), lease: 0n });

it("copies a row into an answer, between header and count", () => {
  const answer = new StoredRange([row("a", "1")], true, 5);
  assert.equal(answer.encode().toString("hex"), "120c0a016110021802200" + "12a0131" + "18012005");
});

it("is the answer that its pairs would give, byte for byte", () => {
  const pairs = fc.array(fc.tuple(fc.string({ minLength: 1, maxLength: 40 }), fc.string({ maxLength: 300 })), { maxLength: 20 });
  fc.assert(
    fc.property(pairs, fc.boolean(), fc.nat(), fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }), (list, more, count, revision) => {
      const answer = new StoredRange(list.map(([key, value]) => row(key, value)), more, count);
      answer.header = ResponseHeader.create({ clusterId: 2n ** 64n - 1n, revision });
      const plain: RangeResponse = { header: answer.header, kvs: answer.kvs, more, count: BigInt(count) };
      assert.ok(encodeRange(answer).equals(encodeRange(plain)));
    }),
  );
});
