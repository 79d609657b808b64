import assert from "node:assert/strict";
import { test } from "node:test";
import { BinaryReader, BinaryWriter } from "@bufbuild/protobuf/wire";
import { MessageDepthError, MessageError, MessageReader } from "../../src/base/message-reader.js";
import { fc } from "../support/properties.js";

test("the worked example: a message within another, which ends where it ends", () => {
  const reader = new MessageReader(Buffer.from("0a03120161", "hex"));
  assert.equal(reader.tag("Outer"), 0x0a);
  const outerEnd = reader.enter(reader.size());
  assert.deepEqual([reader.pos, reader.end], [2, 5]);
  assert.equal(reader.tag("Inner"), 0x12);
  assert.equal(reader.bytes().toString(), "a");
  assert.equal(reader.pos, reader.end);
  reader.leave(outerEnd);
  assert.equal(reader.end, 5);
});

test("nothing is read beyond the end of the message within, though there is more outside", () => {
  const reader = new MessageReader(Buffer.from("0a02120161", "hex"));
  reader.tag("Outer");
  reader.enter(reader.size());
  reader.tag("Inner");
  assert.throws(() => reader.bytes(), { message: "unexpected EOF" });
});

const signed = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const unsigned = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const text = fc.oneof(fc.string({ unit: "binary" }), fc.constant("\ufffd"), fc.constant("\ufeffa"), fc.constant("x".repeat(300)));

test("what protobuf-es writes is read as it was", () => {
  const value = fc.record({ signed, unsigned, text, bool: fc.boolean(), int: fc.integer(), uint: fc.nat({ max: 2 ** 32 - 1 }), double: fc.double(), bytes: fc.uint8Array({ maxLength: 200 }) });
  fc.assert(
    fc.property(value, (given) => {
      // Half a pair has no UTF-8.
      const sent = Buffer.from(given.text).toString();
      const written = new BinaryWriter().int64(given.signed).uint64(given.unsigned).string(sent).bool(given.bool).int32(given.int).uint32(given.uint).double(given.double).bytes(given.bytes).finish();
      const reader = new MessageReader(written);
      assert.deepEqual(
        [reader.int64(), reader.uint64(), reader.string(), reader.bool(), reader.int32(), reader.uint32(), reader.double(), [...reader.bytes()]],
        [given.signed, given.unsigned, sent, given.bool, given.int, given.uint, given.double, [...given.bytes]],
      );
      assert.equal(reader.pos, written.length);
    }),
    { seed: 3, numRuns: 1_000 },
  );
});

test("of any bytes, numbers are read as protobuf-es reads them, or the reader says in its own error that it cannot", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 12 }), fc.constantFrom("int64", "uint64", "int32", "uint32", "bool"), (bytes, kind) => {
      const read = (reader: MessageReader | BinaryReader): unknown => {
        try {
          return [String(reader[kind]()), reader.pos];
        } catch (error) {
          return reader instanceof BinaryReader || error instanceof MessageError ? "none" : assert.fail(String(error));
        }
      };
      assert.deepEqual(read(new MessageReader(bytes)), read(new BinaryReader(bytes)));
    }),
    { seed: 4, numRuns: 3_000 },
  );
});

test("any bytes are skipped to their end, or refused", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      const reader = new MessageReader(bytes);
      try {
        while (reader.pos < reader.end) reader.skip(reader.tag("M") & 7);
        assert.equal(reader.pos, bytes.length);
      } catch (error) {
        assert.ok(error instanceof MessageError, String(error));
      }
    }),
    { seed: 5, numRuns: 3_000 },
  );
});

test("text that is not UTF-8 is refused, and not altered", () => {
  for (const bytes of ["01ff", "02c080", "03eda080", "02e282", "036180ff"]) assert.throws(() => new MessageReader(Buffer.from(bytes, "hex")).string(), { message: "string field contains invalid UTF-8" });
});

test("messages within each other are followed as deep as was said, groups however deep", () => {
  const reader = new MessageReader(Buffer.alloc(10), 2);
  const ends = [reader.enter(undefined), reader.enter(5)];
  assert.throws(() => reader.enter(1), MessageDepthError);
  for (const end of ends.toReversed()) reader.leave(end);
  assert.equal(reader.end, 10);
  const groups = new MessageReader(Buffer.concat([Buffer.alloc(1_000_000, 0x0b), Buffer.alloc(1_000_001, 0x0c)]));
  groups.skip(3);
  assert.equal(groups.pos, 2_000_001);
});
