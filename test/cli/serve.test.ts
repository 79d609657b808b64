import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import type { ReadyLine } from "../../src/base/ready-line.js";
import { roomNames } from "../../src/daemon/index.js";
import { nodes } from "../../src/kubernetes/resource-type.js";
import { freePortBlock, quietPorts } from "../../src/rpc/port.js";
import { administrator } from "../support/administrator.js";
import { start, stopped, withDirectory } from "../support/command.js";
import { eventually } from "../support/eventually.js";
import { run } from "../support/running-emulator.js";

/** The first port of a block with room for the kubelets. */
async function portBase(): Promise<number> {
  return (await freePortBlock((await quietPorts(1))[0] ?? 0, 32)) ?? 0;
}

test("ten rooms started at once, each by serve, find each other; one that is stopped and started again is found again", async () => {
  await withDirectory(async (dataDir) => {
    const base = await portBase();
    const common = ["--data-dir", dataDir, "--port-base", String(base), "--hosts", "2"];
    const emulator = `127.0.0.1:${base + 1}`;
    const rooms = new Map(roomNames.map((room) => [room, start(["serve", room, ...common])]));
    try {
      const lines = new Map<string, { readonly ready: boolean; readonly room: string; readonly pid: number; readonly endpoints: Record<string, string> }>();
      for (const [room, command] of rooms) lines.set(room, JSON.parse(await command.line()) as never);
      for (const [room, line] of lines) assert.deepEqual([line.ready, line.room, line.pid], [true, room, rooms.get(room as never)?.pid]);
      assert.deepEqual(lines.get("scheduler")?.endpoints, { scheduler: `127.0.0.1:${base + 4}`, extender: `127.0.0.1:${base + 5}` });
      assert.deepEqual(lines.get("lifecycle")?.endpoints, {});

      const client = administrator({ kubeconfig: join(dataDir, "kubeconfig") } as ReadyLine);
      try {
        await eventually("both Nodes are Ready", async () => (await client.list(nodes)).items.filter((node) => node.status?.conditions?.some((each) => each.type === "Ready" && each.status === "True")).length === 2);
      } finally {
        await client.close();
      }
      const place = (name: string): ReturnType<typeof run> =>
        run(["place", "-f", "-", "--emulator", emulator], { input: `apiVersion: v1\nkind: Pod\nmetadata: {name: ${name}}\nspec: {containers: [{name: app, image: nginx}]}\n` });
      const first = await place("one");
      assert.equal(first.code, 0, first.stdout + first.stderr);

      const scheduler = rooms.get("scheduler")!;
      scheduler.process.kill("SIGTERM");
      assert.equal(await scheduler.ended, 0);
      const again = start(["serve", "scheduler", ...common]);
      rooms.set("scheduler", again);
      await again.line();
      const second = await place("two");
      assert.equal(second.code, 0, second.stdout + second.stderr);
    } finally {
      await Promise.all([...rooms.values()].map(stopped));
    }
  });
});

test("serve: a taken port is one line and status 3, as is a directory that cannot be made", async () => {
  await withDirectory(async (directory) => {
    const base = await portBase();
    const holder = createServer();
    await new Promise<void>((resolve) => holder.listen(base + 6, "127.0.0.1", () => resolve()));
    try {
      const taken = await run(["serve", "etcd", "--data-dir", join(directory, "state"), "--port-base", String(base)]);
      assert.equal(taken.code, 3, taken.stderr);
      assert.match(taken.stderr, new RegExp(`^spheresim: etcd cannot listen on 127\\.0\\.0\\.1:${base + 6}: .*--port-base N or --ports auto\\n$`));
    } finally {
      await new Promise((resolve) => holder.close(resolve));
    }
    writeFileSync(join(directory, "file"), "");
    for (const command of [["serve", "etcd"], ["up"]]) {
      const inFile = await run([...command, "--ports", "auto", "--data-dir", join(directory, "file", "state")]);
      assert.deepEqual([inFile.code, inFile.stderr], [3, `spheresim: data directory ${join(directory, "file", "state")}: not a directory\n  choose another with --data-dir\n`]);
    }
    // Node's own way to make directories never returns where a file system takes no new names.
    if (existsSync("/proc/self")) {
      const nowhere = await run(["up", "--ports", "auto", "--data-dir", "/proc/spheresim"]);
      assert.deepEqual([nowhere.code, nowhere.stderr], [3, "spheresim: data directory /proc/spheresim: no such file or directory\n  choose another with --data-dir\n"]);
    }
  });
});
