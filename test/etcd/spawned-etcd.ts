import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { ServerUnderTest } from "../support/real-etcd.js";

/** An etcd of ours in a process of its own. */
export interface SpawnedEtcd {
  readonly address: string;
  readonly pid: number;
  /** Asks it to end, and waits until it has. */
  end(): Promise<void>;
  /** Ends it as a power switch would end the process. */
  kill(): Promise<void>;
}

/** Starts one on a directory and waits until it listens; `nodeOptions` go to its Node. */
export async function spawnEtcd(directory: string, listen = "127.0.0.1:0", nodeOptions: readonly string[] = []): Promise<SpawnedEtcd> {
  const child = spawn(process.execPath, [...nodeOptions, "--enable-source-maps", fileURLToPath(new URL("./etcd-child.js", import.meta.url)), directory, listen], { stdio: ["pipe", "pipe", "inherit"] });
  const exit = once(child, "exit");
  const line = once(createInterface(child.stdout), "line") as Promise<[string]>;
  const first = await Promise.race([line, exit.then(() => undefined)]);
  if (first === undefined) throw new Error(`etcd ended with ${child.exitCode} before it listened`);
  return {
    address: first[0],
    pid: child.pid as number,
    end: async () => {
      child.stdin.end();
      await exit;
    },
    kill: async () => {
      child.kill("SIGKILL");
      await exit;
    },
  };
}

/** Starts one on a directory of its own, which goes when it is closed. */
export async function spawnFreshEtcd(): Promise<ServerUnderTest> {
  const directory = mkdtempSync(join(tmpdir(), "spheresim-etcd-"));
  const etcd = await spawnEtcd(directory);
  const close = async (): Promise<void> => {
    await etcd.kill();
    rmSync(directory, { recursive: true, force: true });
  };
  return { address: etcd.address, close };
}
