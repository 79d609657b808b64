import assert from "node:assert/strict";
import { test } from "node:test";
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import fc from "fast-check";
import { MessageWriter } from "../../src/base/message-writer.js";

type Writing = (writer: MessageWriter | BinaryWriter) => unknown;

const bytesOf = (writer: MessageWriter | BinaryWriter, ...writings: readonly Writing[]): string => {
  for (const writing of writings) writing(writer);
  return Buffer.from(writer.finish()).toString("hex");
};

test("the worked example: a message within another", () => {
  assert.equal(bytesOf(new MessageWriter(), (writer) => writer.uint32(0x0a).fork().uint32(0x12).string("a").join()), "0a03120161");
});

const units = fc.string({ unit: fc.constantFrom("a", "\0", "\x7f", "\x80", "é", "€", "😀", "\ud83d", "\ufeff"), maxLength: 140 });
const text = fc.oneof(fc.string({ unit: "binary" }), units, fc.constantFrom(23, 24, 25, 42, 43, 127, 128, 5461, 5462, 16_383, 16_384, 70_000).map((length) => "x".repeat(length)), fc.constant("é".repeat(64)), fc.constant("€".repeat(6000)));
const bytes = fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.constantFrom(65_535, 65_536, 200_000).map((length) => new Uint8Array(length).fill(7)));
const edges64 = [0n, 1n, 127n, 128n, 2n ** 28n - 1n, 2n ** 28n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 35n - 1n, 2n ** 35n, 2n ** 63n - 1n];
const field: fc.Arbitrary<Writing> = fc.oneof(
  fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.constantFrom(...edges64, -1n, -(2n ** 63n))).map((value): Writing => (writer) => writer.int64(value)),
  fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.constantFrom(...edges64, 2n ** 64n - 1n)).map((value): Writing => (writer) => writer.uint64(value)),
  fc.oneof(fc.integer(), fc.constantFrom(-1, -(2 ** 31), 2 ** 31 - 1)).map((value): Writing => (writer) => writer.int32(value)),
  fc.oneof(fc.nat({ max: 2 ** 32 - 1 }), fc.constantFrom(127, 128, 16_383, 16_384, 2 ** 32 - 1)).map((value): Writing => (writer) => writer.uint32(value)),
  fc.boolean().map((value): Writing => (writer) => writer.bool(value)),
  fc.double().map((value): Writing => (writer) => writer.double(value)),
  text.map((value): Writing => (writer) => writer.string(value)),
  bytes.map((value): Writing => (writer) => writer.bytes(value)),
);
const { message } = fc.letrec<{ message: Writing[]; part: Writing }>((tie) => ({
  message: fc.array(tie("part"), { maxLength: 5 }),
  part: fc.oneof({ depthSize: "small" }, field, tie("message").map((parts): Writing => (writer) => {
    writer.uint32(10).fork();
    for (const part of parts as Writing[]) part(writer);
    writer.join();
  })),
}));

test("what it writes is what protobuf-es writes, in messages of any size within each other", () => {
  fc.assert(fc.property(message, (writings) => assert.equal(bytesOf(new MessageWriter(), ...writings), bytesOf(new BinaryWriter(), ...writings))), { seed: 5, numRuns: 2_000 });
});

test("a message stays as it is whatever is written after it, also in two at once and after one that failed", () => {
  const first = new MessageWriter().string("first");
  const second = new MessageWriter().string("second");
  assert.throws(() => new MessageWriter().string("lost").int32(2 ** 31), { message: "invalid int32: 2147483648" });
  const third = new MessageWriter().string("third");
  const written = [second.finish(), first.finish(), third.finish(), new MessageWriter().string("fourth").finish()];
  assert.deepEqual(written.map(String), ["\x06second", "\x05first", "\x05third", "\x06fourth"]);
});

test("numbers that the field cannot hold are refused, and an end without a beginning", () => {
  for (const value of [-1, 2 ** 32, 0.5, Number.NaN]) assert.throws(() => new MessageWriter().uint32(value), { message: `invalid uint32: ${value}` });
  for (const value of [-(2 ** 31) - 1, 2 ** 31, 0.5, Number.NaN]) assert.throws(() => new MessageWriter().int32(value), { message: `invalid int32: ${value}` });
  assert.throws(() => new MessageWriter().join(), /nothing was begun/);
});
