import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const script = fileURLToPath(new URL("../../../scripts/require-node.mjs", import.meta.url));

/** How the check ends in a Node that says it is of another version. */
function checkedBy(version: string): { readonly status: number | null; readonly stderr: string } {
  const program = `Object.defineProperty(process.versions, "node", { value: ${JSON.stringify(version)} }); (await import(${JSON.stringify(script)})).requireNode();`;
  const { status, stderr } = spawnSync(process.execPath, ["--input-type=module", "--eval", program], { encoding: "utf8" });
  return { status, stderr };
}

test("a Node that is too old is told so in one line, with what to install", () => {
  for (const version of ["18.20.4", "20.18.3"]) {
    const stderr = `spheresim: Node ${version} is too old; install Node 20.19 or newer (https://nodejs.org) and run the command again\n`;
    assert.deepEqual(checkedBy(version), { status: 3, stderr });
  }
});

test("Node as package.json asks for it will do, and every newer one", () => {
  for (const version of ["20.19.0", "22.0.0", "24.1.0"]) assert.deepEqual(checkedBy(version), { status: 0, stderr: "" });
});
