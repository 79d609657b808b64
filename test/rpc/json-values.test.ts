import assert from "node:assert/strict";
import { test } from "node:test";
import { jsonTexts } from "../../src/rpc/json-values.js";
import { fc } from "../support/properties.js";

async function textsOf(chunks: readonly Buffer[], maxBytes = 1_000_000): Promise<string[]> {
  const texts: string[] = [];
  async function* source(): AsyncGenerator<Buffer, void> {
    yield* chunks;
  }
  for await (const text of jsonTexts(source(), maxBytes)) texts.push(text.toString().trim());
  return texts;
}

test("a stream is cut into its values, whatever its chunks are", async () => {
  assert.deepEqual(await textsOf(['{"a":"}', '"}{}', " x "].map((part) => Buffer.from(part))), ['{"a":"}"}', "{}", "x"]);
  const values = fc.array(fc.oneof(fc.dictionary(fc.string(), fc.jsonValue()), fc.array(fc.jsonValue())), { maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(values, fc.constantFrom("", " ", "\n", "\r\n\t"), fc.integer({ min: 1, max: 7 }), async (given, between, step) => {
      const bytes = Buffer.from(given.map((value) => JSON.stringify(value)).join(between));
      const chunks = Array.from({ length: Math.ceil(bytes.length / step) }, (_, index) => bytes.subarray(index * step, (index + 1) * step));
      assert.deepEqual(await textsOf(chunks), given.map((value) => JSON.stringify(value)));
    }),
    { seed: 7, numRuns: 200 },
  );
});

test("a value that is too large is not held", async () => {
  await assert.rejects(textsOf([Buffer.from('{"a":"'), Buffer.alloc(100, "x")], 50), { message: "grpc: received message larger than max (106 vs. 50)" });
});

test("a value that is nested without end is not read to its end", async () => {
  assert.deepEqual(await textsOf([Buffer.from("[".repeat(10_000) + "]".repeat(10_000))]), ["[".repeat(10_000) + "]".repeat(10_000)]);
  await assert.rejects(textsOf([Buffer.from(`{"a":${"[".repeat(10_000)}`)]), { name: "JsonMappingError", message: "invalid character '[' exceeded max depth" });
});
