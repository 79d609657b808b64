import assert from "node:assert/strict";
import { test } from "node:test";
import { parseJsonLines } from "../../src/kubernetes/json-lines.js";

/** What comes of chunks of text, and how it ends. */
async function read(...chunks: readonly (string | Buffer)[]): Promise<{ lines: unknown[]; failure: string | undefined }> {
  const lines: unknown[] = [];
  async function* bytes(): AsyncGenerator<Buffer> {
    for (const chunk of chunks) yield await Promise.resolve(Buffer.from(chunk));
  }
  try {
    for await (const some of parseJsonLines(bytes())) lines.push(...some);
    return { lines, failure: undefined };
  } catch (error) {
    return { lines, failure: (error as Error).message };
  }
}

test("lines are parsed however chunks cut them, an unfinished last one is dropped", async () => {
  assert.deepEqual(await read('{"a":1}\n{"b"', ':"é', '"}\n\n[3]\n{"c"'), { lines: [{ a: 1 }, { b: "é" }, [3]], failure: undefined });
});

test("the good lines of a chunk before a bad one come, then the failure, and nothing after it", async () => {
  const { lines, failure } = await read('{"a":1}\n{"b":2}\nbad\n{"c":3}\n');
  assert.deepEqual(lines, [{ a: 1 }, { b: 2 }]);
  assert.match(failure ?? "", /JSON/);
  assert.deepEqual((await read("bad\n")).lines, []);
});

test("the good lines of a chunk before one that is too long come, then the failure", async () => {
  const { lines, failure } = await read(Buffer.concat([Buffer.from('{"a":1}\n'), Buffer.alloc(16 * 1024 * 1024 + 1, "x")]));
  assert.deepEqual([lines, failure], [[{ a: 1 }], "a watch event is longer than 16777216 bytes"]);
});
