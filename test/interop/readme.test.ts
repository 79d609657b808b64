import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { describe, test } from "node:test";
import { projectDirectory } from "../../src/base/project-files.js";
import { startRealEtcd } from "../support/real-etcd.js";
import { skipWithout } from "../support/external-program.js";

/** Every block of the README that a reader may paste. */
const blocks = [...readFileSync(join(projectDirectory, "README.md"), "utf8").matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block = ""]) => block);

/** `$ETCD` is the address of a real one. */
function wantsEtcd(block: string): boolean {
  return /\$\{ETCD\b/.test(block);
}

/** Python's tools are looked for, never installed. */
function skipOf(block: string): string | false {
  if (block.includes("python3") && spawnSync("python3", ["-c", "import grpc, grpc_tools"], { stdio: "ignore" }).status !== 0) return "python3 has no grpcio-tools";
  return skipWithout(...["kubectl", "etcdctl"].filter((program) => block.includes(program)), ...(wantsEtcd(block) ? ["etcd"] : []));
}

async function paste(block: string, environment: NodeJS.ProcessEnv): Promise<void> {
  const shell = spawn("sh", ["-eu", "-c", block], { cwd: projectDirectory, env: { ...process.env, ...environment }, stdio: ["ignore", "pipe", "pipe"] });
  const ended = new Promise<number | null>((resolve) => void shell.once("close", resolve));
  const [code, stdout, stderr] = await Promise.all([ended, text(shell.stdout), text(shell.stderr)]);
  assert.equal(code, 0, `${block}\n${stdout}\n${stderr}`);
}

describe("README", () => {
  test("has blocks to paste", () => assert.equal(blocks.length, 5));

  for (const block of blocks) {
    test(`runs as printed: ${block.split("\n", 1)[0]}`, { skip: skipOf(block) }, async () => {
      if (!wantsEtcd(block)) return paste(block, {});
      const etcd = await startRealEtcd();
      try {
        await paste(block, { ETCD: etcd.address });
      } finally {
        await etcd.close();
      }
    });
  }
});
