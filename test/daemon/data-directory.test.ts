import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { withDirectory } from "../support/command.js";

const turnTaker = fileURLToPath(new URL("./turn-taker.js", import.meta.url));

/** A process that takes `turns` turns; resolves with its exit code and what it complained of. */
async function takeTurns(directory: string, turns: number): Promise<readonly [number | null, string]> {
  const child = spawn(process.execPath, [turnTaker, directory, String(turns)], { stdio: ["ignore", "ignore", "pipe"] });
  let complaint = "";
  child.stderr.on("data", (chunk: Buffer) => (complaint += chunk.toString()));
  const [code] = (await once(child, "close")) as [number | null];
  return [code, complaint];
}

test("processes that take turns on one directory are never inside together: not even when one lets go while another looks who has it", async () => {
  await withDirectory(async (directory) => {
    const ended = await Promise.all(Array.from({ length: 8 }, () => takeTurns(directory, 60)));
    for (const each of ended) assert.deepEqual(each, [0, ""]);
  });
});
