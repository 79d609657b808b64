import assert from "node:assert/strict";
import { test } from "node:test";
import { createFileRegistry, type DescMessage, fromBinary, fromJson, toBinary, toJson } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { readContractsImage } from "../../src/rpc/contracts-image.js";
import { methodJson } from "../../src/rpc/json-mapping.js";
import { JsonMappingError } from "../../src/rpc/json-mapping-error.js";
import { requestBytes } from "../../src/rpc/json-reader.js";
import { messageChunks, messageText } from "../../src/rpc/json-writer.js";
import { REFUSED } from "./refused-json.js";
import { atOnce } from "../../src/base/slices.js";
import { fc } from "../support/properties.js";

const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readContractsImage()));
const typeOf = (name: string): DescMessage => registry.getMessage(name) ?? assert.fail(name);

const bytes = fc.uint8Array({ maxLength: 12 }).map((value) => Buffer.from(value).toString("base64"));
const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String);
const keyValue = fc.record({ key: bytes, create_revision: int64, version: int64, value: bytes, lease: int64 }, { requiredKeys: [] });
const range = fc.record({ key: bytes, rangeEnd: bytes, limit: int64, sort_order: fc.constantFrom("NONE", "ASCEND", "DESCEND"), count_only: fc.boolean() }, { requiredKeys: [] });
const { txn } = fc.letrec<{ readonly txn: object }>((tie) => ({
  txn: fc.record(
    {
      compare: fc.array(fc.record({ result: fc.constantFrom("EQUAL", "LESS"), key: bytes, create_revision: int64, range_end: bytes }, { requiredKeys: ["key"] }), { maxLength: 2 }),
      success: fc.array(fc.oneof({ depthSize: "small" }, range.map((value) => ({ request_range: value })), tie("txn").map((value) => ({ requestTxn: value }))), { maxLength: 2 }),
    },
    { requiredKeys: [] },
  ),
}));
const watch = fc.record({ watch_id: int64, created: fc.boolean(), cancel_reason: fc.string(), events: fc.array(fc.record({ type: fc.constantFrom("PUT", "DELETE"), kv: keyValue }), { maxLength: 3 }) }, { requiredKeys: [] });

// protobuf-es does the same by its own means, if slower.
for (const [name, values] of [["etcdserverpb.TxnRequest", txn], ["etcdserverpb.WatchResponse", watch], ["mvccpb.KeyValue", keyValue]] as const) {
  test(`${name} is read and written as protobuf-es reads and writes it`, () => {
    const type = typeOf(name);
    fc.assert(
      fc.property(values as fc.Arbitrary<object>, (value) => {
        const reference = fromJson(type, value as never);
        assert.deepEqual(fromBinary(type, Uint8Array.from(atOnce(requestBytes(type, Buffer.from(JSON.stringify(value)))))), reference);
        assert.deepEqual(JSON.parse(messageText(type, toBinary(type, reference))), toJson(type, reference, { useProtoFieldName: true }));
      }),
      { seed: 11, numRuns: 300 },
    );
  });
}

test("fields stand in the order of the proto file, and text is escaped as Go escapes it", () => {
  const { responseText } = methodJson("/etcdserverpb.Watch/Watch");
  const type = typeOf("etcdserverpb.WatchResponse");
  const message = fromJson(type, { events: [{ kv: { key: "YQ==" } }], cancel_reason: "<&>\u2028", watch_id: "-1" });
  assert.equal(responseText(toBinary(type, message)), '{"watch_id":"-1","cancel_reason":"\\u003c\\u0026\\u003e\\u2028","events":[{"kv":{"key":"YQ=="}}]}');
});

const rangeBytes = (text: string): Uint8Array => atOnce(methodJson("/etcdserverpb.KV/Range").requestBytes(Buffer.from(text)));
const range35 = (text: string): unknown => toJson(typeOf("etcdserverpb.RangeRequest"), fromBinary(typeOf("etcdserverpb.RangeRequest"), rangeBytes(text)));

test("what cannot be read is refused as Go refuses it", () => {
  for (const [text, message] of REFUSED) assert.throws(() => rangeBytes(text), (error) => error instanceof JsonMappingError && error.message === message, text);
});

test("what jsonpb takes is taken", () => {
  const taken: readonly (readonly [string, unknown])[] = [
    ['{"key":[97,98]}', { key: "YWI=" }],
    ['{"key":"Y\\nQ=="}', { key: "YQ==" }],
    ['{"range_end":"Yg==","rangeEnd":"YQ=="}', { rangeEnd: "YQ==" }],
    ['{"limit":" 5 "}', { limit: "5" }],
    ['{"limit":"null","sort_order":null}', {}],
    ['{"limit":1,"limit":-9223372036854775808} and what follows', { limit: "-9223372036854775808" }],
    [" \n", {}],
    ["null", {}],
  ];
  for (const [text, value] of taken) assert.deepEqual(range35(text), value, text);
  const txn = typeOf("etcdserverpb.TxnRequest");
  const read = fromBinary(txn, atOnce(requestBytes(txn, Buffer.from('{"compare":[null],"success":[null]}'))));
  assert.deepEqual(toJson(txn, read), { compare: [{}], success: [{}] });
});

test("messages lie in each other as deep as JSON does", () => {
  const type = typeOf("etcdserverpb.TxnRequest");
  let nested = "{}";
  // Three JSON values a level.
  for (let depth = 0; depth < 3_333; depth += 1) nested = `{"success":[{"request_txn":${nested}}]}`;
  let bytes: Uint8Array = atOnce(requestBytes(type, Buffer.from(nested)));
  // Each level is a request_op of field 2 and in it a request_txn of field 4, both with their length before them.
  let levels = 0;
  for (const tag of Array.from({ length: 2 * 3_333 }, (_, index) => (index % 2 === 0 ? 0x12 : 0x22))) {
    assert.equal(bytes[0], tag);
    const end = bytes.findIndex((byte, index) => index > 0 && byte < 0x80) + 1;
    bytes = bytes.subarray(end);
    levels += 1;
  }
  assert.deepEqual([levels, bytes.length], [6_666, 0]);
});

test("a large message comes in pieces, which together are its text", () => {
  const type = typeOf("etcdserverpb.RangeResponse");
  const message = fromJson(type, { kvs: Array.from({ length: 10_000 }, (_, index) => ({ key: Buffer.from(`key ${index}`).toString("base64"), mod_revision: String(index) })), count: "10000" });
  const chunks = [...messageChunks(type, toBinary(type, message))];
  assert.ok(chunks.length > 5, String(chunks.length));
  assert.ok(chunks.every((chunk) => chunk.length < 70_000));
  assert.deepEqual(JSON.parse(Buffer.concat(chunks).toString()), toJson(type, message, { useProtoFieldName: true }));
});
