import assert from "node:assert/strict";
import { it } from "node:test";
import { PutResponse, type RangeResponse, type ResponseOp, ResponseHeader, TxnResponse } from "../../src/gen/etcd/etcdserverpb/rpc.js";
import { encodeRow } from "../../src/etcd/storage/row.js";
import { encodeRange, encodeTxn } from "../../src/etcd/kv/answer-bytes.js";
import { StoredRange } from "../../src/etcd/kv/stored-range.js";
import { fc } from "../support/properties.js";

const row = (key: string, value: string): Buffer => encodeRow({ key: Buffer.from(key), createRevision: 2, modRevision: 2, version: 1, value: Buffer.from(value), lease: 0n });

it("copies a row into an answer, between header and count", () => {
  const answer = new StoredRange([row("a", "1")], true, 5);
  assert.equal(encodeRange(answer).toString("hex"), "120c 0a0161 1002 1802 2001 2a0131 1801 2005".replaceAll(" ", ""));
});

const ranges = fc
  .tuple(fc.array(fc.tuple(fc.string({ minLength: 1, maxLength: 40 }), fc.string({ maxLength: 300 })), { maxLength: 20 }), fc.boolean(), fc.nat(), fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }))
  .map(([pairs, more, count, revision]) => new StoredRange(pairs.map(([key, value]) => row(key, value)), more, count, ResponseHeader.create({ clusterId: 2n ** 64n - 1n, revision })));

/** The same answer as the generated encoder knows it. */
const plainRange = ({ header, kvs, more, count }: RangeResponse): RangeResponse => ({ header, kvs, more, count });
const plainTxn = (response: TxnResponse): TxnResponse => ({ ...response, responses: response.responses.map(plainOp) });
function plainOp({ response }: ResponseOp): ResponseOp {
  if (response?.$case === "responseRange") return { response: { $case: "responseRange", value: plainRange(response.value) } };
  if (response?.$case === "responseTxn") return { response: { $case: "responseTxn", value: plainTxn(response.value) } };
  return { response };
}

it("is the answer that its pairs would give, byte for byte", () => {
  fc.assert(fc.property(ranges, (answer) => assert.ok(encodeRange(answer).equals(encodeRange(plainRange(answer))))));
});

it("is the same in a Txn, at every depth", () => {
  const { txn } = fc.letrec<{ txn: TxnResponse; op: ResponseOp }>((tie) => ({
    op: fc.oneof(
      { maxDepth: 4 },
      ranges.map((value): ResponseOp => ({ response: { $case: "responseRange", value } })),
      fc.constant<ResponseOp>({ response: { $case: "responsePut", value: PutResponse.create({ header: ResponseHeader.create({ revision: 7n }) }) } }),
      tie("txn").map((value): ResponseOp => ({ response: { $case: "responseTxn", value } })),
    ),
    txn: fc.record({ header: fc.constantFrom(undefined, ResponseHeader.create(), ResponseHeader.create({ revision: 300n })), succeeded: fc.boolean(), responses: fc.array(tie("op"), { maxLength: 5 }) }),
  }));
  fc.assert(fc.property(txn, (answer) => assert.ok(encodeTxn(answer).equals(Buffer.from(TxnResponse.encode(plainTxn(answer)).finish())))));
});
