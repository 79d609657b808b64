import assert from "node:assert/strict";
import { test } from "node:test";
import { createFileRegistry, type DescMessage, fromBinary, fromJson, toBinary, toJson } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { readContractsImage } from "../../src/rpc/contracts-image.js";
import { methodJson } from "../../src/rpc/json-mapping.js";
import { JsonMappingError, requestBytes } from "../../src/rpc/json-reader.js";
import { messageText } from "../../src/rpc/json-writer.js";

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
        assert.deepEqual(fromBinary(type, requestBytes(type, JSON.stringify(value))), reference);
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

test("what cannot be read is refused as Go refuses it", () => {
  const { requestBytes: read } = methodJson("/etcdserverpb.KV/Range");
  const refusals: Record<string, string> = {
    "[]": "json: cannot unmarshal array into Go value of type map[string]json.RawMessage",
    '{"key":1}': "json: cannot unmarshal number into Go value of type []uint8",
    '{"key":"@@@"}': "illegal base64 data at input byte 0",
    '{"count_only":"yes"}': "json: cannot unmarshal string into Go value of type bool",
    '{"sort_order":"SIDEWAYS"}': 'unknown value "SIDEWAYS" for enum etcdserverpb.RangeRequest_SortOrder',
    '{"limit":"9223372036854775808"}': "json: cannot unmarshal string 9223372036854775808 into Go value of type int64",
    '{"limit":1.5}': "json: cannot unmarshal number 1.5 into Go value of type int64",
  };
  for (const [text, message] of Object.entries(refusals)) assert.throws(() => read(text), (error) => error instanceof JsonMappingError && error.message === message, text);
  let nested = "{}";
  for (let depth = 0; depth < 151; depth += 1) nested = `{"success":[{"request_txn":${nested}}]}`;
  assert.throws(() => methodJson("/etcdserverpb.KV/Txn").requestBytes(nested), { message: "exceeded max recursion depth" });
});
