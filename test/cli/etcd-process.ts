import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { request } from "node:http";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { projectDirectory } from "../../src/base/project-files.js";

/** The wrapper named etcd. */
export const wrapper = join(projectDirectory, "scripts", "etcd");

/** A line of its log. */
export interface LogLine {
  readonly level: string;
  readonly ts: string;
  readonly msg: string;
  readonly flag?: string;
  readonly reason?: string;
  readonly key?: string;
}

/** Starts the wrapper and reads its log up to the ready line; ends it with SIGTERM afterwards, which must be status 0. */
export async function withEtcd(args: readonly string[], cwd: string, work: (log: readonly LogLine[]) => Promise<void>): Promise<void> {
  const child: ChildProcess = spawn(wrapper, args, { cwd, stdio: ["ignore", "ignore", "pipe"], env: { ...process.env, ETCD_NAME: "envy" } });
  const exit = once(child, "exit") as Promise<[number | null, string | null]>;
  try {
    if (child.stderr === null) throw new Error("no standard error");
    const log: LogLine[] = [];
    const lines = createInterface(child.stderr)[Symbol.asyncIterator]();
    for (let next = await lines.next(); next.done !== true; next = await lines.next()) {
      if (!next.value.startsWith("{")) continue;
      log.push(JSON.parse(next.value) as LogLine);
      if (log.at(-1)?.msg === "ready to serve client requests") break;
    }
    assert.equal(log.at(-1)?.msg, "ready to serve client requests", "it ended before it was ready");
    child.stderr.resume();
    await work(log);
  } finally {
    child.kill("SIGTERM");
    await exit;
  }
  assert.deepEqual(await exit, [0, null]);
}

/** What a path answers over a socket file. */
export function over(socketPath: string, path: string): Promise<string> {
  return new Promise((resolve, reject) => request({ socketPath, path, agent: false }, (response) => void text(response).then(resolve, reject)).on("error", reject).end());
}

