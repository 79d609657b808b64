import assert from "node:assert/strict";
import { test } from "node:test";
import { RpcCode, RpcError } from "../../src/base/rpc-error.js";
import { readManifest } from "../../src/emulator/manifest.js";

const pod = (name: string): string => `apiVersion: v1\nkind: Pod\nmetadata:\n  name: ${name}\n`;

test("documents and lists are read in order, empty documents are skipped", () => {
  const list = `apiVersion: v1\nkind: List\nitems:\n- ${pod("c").replaceAll("\n", "\n  ")}`;
  const names = readManifest(`---\n${pod("a")}---\n---\n${pod("b")}---\n${list}`).map(({ object }) => object.metadata.name);
  assert.deepEqual(names, ["a", "b", "c"]);
});

test("JSON with comments and trailing commas, as KYAML has it, is read", () => {
  assert.equal(readManifest('---\n{\n  apiVersion: "v1", # a comment\n  kind: "Pod",\n  metadata: {name: "k",},\n}\n')[0]?.object.metadata.name, "k");
});

for (const [what, text, field] of [
  ["YAML that does not parse", "a: [", "manifest[0]"],
  ["a duplicate key", `${pod("a")}kind: Pod\n`, "manifest[0]"],
  ["nothing", "---\n", "manifest"],
  ["a scalar", "just text", "manifest[0]"],
  ["no kind", "apiVersion: v1\nmetadata: {name: a}\n", "manifest[0].kind"],
  ["no apiVersion", "kind: Pod\nmetadata: {name: a}\n", "manifest[0].apiVersion"],
  ["no name", "apiVersion: v1\nkind: Pod\nmetadata: {}\n", "manifest[0].metadata.name"],
] as const) {
  test(`${what} is INVALID_ARGUMENT naming ${field}`, () => {
    assert.throws(
      () => readManifest(text),
      (error: unknown) => RpcError.is(error, RpcCode.INVALID_ARGUMENT) && error.violations[0]?.field === field,
    );
  });
}
